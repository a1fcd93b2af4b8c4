"""A paragraph of plain words, emphasis and code, laid out: most of what answers consist of.

To the byte what `gptoss.cli.laid_out` makes of it, in a fraction of the time and without loading rich.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it.token import Token

_ONE_COLUMN_EACH = re.compile("[ -~¡-¬®-˿Ͱ-҂‐-‧]*").fullmatch
_UNMARKED = re.compile(r"[A-Za-z0-9 ,.;:?'\"()/%+=-]*").fullmatch
_WORD = re.compile(r"\s*\S+\s*")

_LOOKS = {"strong": "1", "em": "3", "s": "9"}
_CODE = "36"

Run = tuple[str, str]
"""A text and its look: the parameters of a control sequence (SGR), if any."""


def plain(text: str, width: int) -> str | None:
    """The lines of a text without line ends, `width` columns at most; None for one that has any marks of Markdown."""
    if width < 1 or not _UNMARKED(text):
        return None
    return "".join(f"{shown}\n" for shown in _broken([(text, "")], width))


def paragraph(tokens: Sequence[Token], width: int) -> str | None:
    """The lines of a text that markdown-it has parsed, `width` columns at most; None unless it is such a paragraph.

    Its inline token alone will do.
    """
    kinds = [token.type for token in tokens]
    if width < 1 or kinds not in (["paragraph_open", "inline", "paragraph_close"], ["inline"]):
        return None
    children = tokens[kinds.index("inline")].children
    if not children:
        return None
    line: list[Run] = []
    lines = [line]
    within: list[str] = []
    for token in children:
        kind, _, edge = token.type.partition("_")
        if token.type == "text" or token.type == "code_inline":
            if not _ONE_COLUMN_EACH(token.content):
                return None
            looks = sorted(set(within)) + ([_CODE] if kind == "code" else [])
            line.append((token.content, ";".join(looks)))
        elif token.type in ("softbreak", "hardbreak"):
            line = []
            lines.append(line)
        elif kind not in _LOOKS:
            return None
        elif edge == "open":
            within.append(_LOOKS[kind])
        else:
            within.pop()
    return "".join(f"{shown}\n" for line in lines for shown in _broken(line, width))


def _broken(line: list[Run], width: int) -> Iterator[str]:
    """A line as those that it is broken into."""
    text = "".join(run for run, _ in line)
    begin = 0
    for end in (*(_breaks(text, width) if len(text) > width else ()), len(text)):
        # Of the spaces that a line is broken at, those that do not fit are left out.
        shown = max(len(text[begin:end].rstrip()), min(end - begin, width))
        yield _dressed(line, begin, begin + shown)
        begin = end


def _breaks(text: str, width: int) -> Iterator[int]:
    """Where a text is broken into lines: between words, and within one that is longer than a line."""
    column = 0
    for word in _WORD.finditer(text):
        begin, end = word.span()
        length = len(word[0].rstrip())
        if length <= width - column:
            column += end - begin
        elif length > width:
            yield from (at for at in range(begin, end, width) if at)
            column = (end - begin - 1) % width + 1
        elif column and begin:
            yield begin
            column = end - begin


def _dressed(line: list[Run], begin: int, end: int) -> str:
    """A part of a line, with its looks."""
    shown = []
    at = 0
    for text, look in line:
        piece = text[max(begin - at, 0) : max(end - at, 0)]
        at += len(text)
        if piece:
            shown.append(f"\x1b[{look}m{piece}\x1b[0m" if look else piece)
    return "".join(shown)
