"""Markdown on a terminal, block by block.

A block (a paragraph, an item of a list, a table, a piece of code) is laid out when it is complete, and never touched
again: scrollback, copying and resizing stay right. Until then the line that is being written grows below it.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from gptoss.cli.blocks import Block
from gptoss.cli.harmless import harmless
from gptoss.cli.output import Output
from gptoss.cli.paragraph import paragraph, plain
from gptoss.cli.widths import fitted, width_of
from gptoss.cli.wrapping import Wrapper

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from gptoss.cli.laid_out import LaidOut

_COMPLETE_AFTER_A_BLANK = ("paragraph_open", "table_open", "blockquote_open")


_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

_FENCE = re.compile(r"\n* {0,3}(`{3,}|~{3,})")


class MarkdownStream:
    """Cuts text that streams in into blocks. A list gives its items one by one."""

    def __init__(self) -> None:
        self._parser = _parser()
        self.rest = ""

    def push(self, text: str) -> list[str]:
        """The blocks that are complete now."""
        self.rest += text
        if "\n" not in text:  # only the end of a line can end a block
            return []
        fence = _FENCE.match(self.rest)
        if fence and fence[1] not in self.rest.rstrip("\n").rpartition("\n")[2]:
            return []  # long code must not be parsed anew with each of its lines
        lines = self.rest.splitlines(keepends=True)
        starts = [token for token in self._parser.parse(self.rest) if _begins_block(token)]
        bounds = [token.map[0] for token in starts if token.map]
        if not bounds:
            return []
        bounds[0] = 0
        if _is_complete(starts[-1], lines):
            bounds.append(len(lines))
        self.rest = "".join(lines[bounds[-1] :])
        return ["".join(lines[begin:end]) for begin, end in pairwise(bounds)]

    def finish(self) -> str:
        """What is left when nothing more comes."""
        rest, self.rest = self.rest, ""
        return rest


@cache
def _parser() -> MarkdownIt:
    """One for all: making it takes longer than reading an answer."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").enable("strikethrough")


def _begins_block(token: Token) -> bool:
    if token.map is None or token.nesting < 0:
        return False
    is_list = token.type in ("bullet_list_open", "ordered_list_open")
    return (token.level == 0 and not is_list) or (token.type == "list_item_open" and token.level == 1)


def _is_complete(token: Token, lines: list[str]) -> bool:
    """Whether nothing that comes can belong to the last block."""
    if token.type == "fence" and token.map:
        first, last = lines[token.map[0]], lines[-1]
        return (
            len(lines) - token.map[0] > 1 and last.endswith("\n") and last.strip() == first.strip()[: len(token.markup)]
        )
    if token.type in ("heading_open", "hr"):
        return lines[-1].endswith("\n") and token.markup != "="
    return token.type in _COMPLETE_AFTER_A_BLANK and not lines[-1].strip()


class MarkdownBlock(Block):
    """A message in Markdown."""

    def __init__(self, output: Output) -> None:
        super().__init__(output, "plain", Wrapper(""))
        self._stream = MarkdownStream()
        self._was_item = False
        self._is_first = True
        self._passing_from = 0

    def write(self, text: str) -> None:
        self.is_empty = False
        for piece in self._stream.push(harmless(text)):
            self._lay_out(piece)
        self._output.transient(self._passing(self._output.width - 1))

    def go_on(self) -> None:
        self._stream.rest = "… "

    def end(self) -> None:
        self._output.transient("")
        self._lay_out(self._stream.finish())

    def _passing(self, width: int) -> str:
        """The line that is being written, as it grows: when it is full, the word that does not fit begins it anew."""
        line = self._stream.rest.rstrip("\n").rpartition("\n")[2]
        if len(line) < self._passing_from:  # it is another one
            self._passing_from = 0
        while width_of(line[self._passing_from :].rstrip()) > max(width, 1):
            begin = self._passing_from
            end = begin + max(len(fitted(line[begin:], width + 1)) - 1, 1)
            self._passing_from = line.rfind(" ", begin, end + 1) + 1 or end
        return line[self._passing_from :]

    def _lay_out(self, piece: str) -> None:
        if not piece.strip():
            return
        rendered = _rendered(piece, self._output.width)
        self._output.transient("")
        is_item = _is_item(piece)
        if not self._is_first and not (is_item and self._was_item):
            self._output.line()
        self._output.rendered(rendered)
        self._is_first, self._was_item = False, is_item


def _is_item(piece: str) -> bool:
    head = piece.lstrip()
    number = head.split(maxsplit=1)[0] if head else ""
    return head[:2] in ("- ", "* ", "+ ") or (number[:-1].isdecimal() and number[-1:] in ".)")


def _rendered(text: str, width: int) -> str:
    """Markdown as lines with colours, ready for a terminal. The text must be harmless already."""
    laid_out = None
    if text[0].isalpha() and "\n" not in text.strip():  # a single line that can only be a paragraph
        laid_out = plain(text.strip(), width) or paragraph(_parser().parseInline(text.strip()), width)
    if laid_out is None:
        tokens = _parser().parse(text)
        laid_out = paragraph(tokens, width) or _layout(width).lines(tokens)
    lines = [line.rstrip() for line in laid_out.split("\n")]
    # Blank lines around some blocks have colours, too.
    shown = [number for number, line in enumerate(lines) if _COLOURS.sub("", line).strip()]
    return "\n".join(lines[shown[0] : shown[-1] + 1] if shown else []) + "\n"


@lru_cache(maxsize=4)  # a window that is resized has many widths
def _layout(width: int) -> LaidOut:
    from gptoss.cli.laid_out import LaidOut  # rich takes a tenth of a second to import

    return LaidOut(width)
