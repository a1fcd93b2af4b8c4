"""Markdown as rich lays it out, with headings where text begins and lines broken where the model broke them."""

import io
from collections.abc import Sequence
from typing import ClassVar

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.theme import Theme

THEME = Theme({"markdown.code": "cyan", "markdown.block_quote": "dim"})


class LeftHeading(Heading):
    """A heading without a box around it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        text.justify = "left"
        text.stylize("bold underline" if self.tag == "h1" else "bold")
        yield text


class LaidOut(Markdown):
    """Lays out one text after the other for a terminal of a width: what rich needs takes longer to make than to use.

    See `rich.markdown.Markdown`.
    """

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": LeftHeading}

    def __init__(self, width: int) -> None:
        super().__init__("", code_theme="ansi_dark", hyperlinks=False)
        # The height means nothing here, but with both given rich does not ask the terminal.
        self._console = Console(
            width=width, height=24, force_terminal=True, color_system="standard", highlight=False, theme=THEME
        )

    def lines(self, tokens: Sequence[Token]) -> str:
        """The lines of a text that markdown-it has parsed, with colours."""
        for token in tokens:
            # An inline token of level 1 is a paragraph of its own, not one in a list or a quotation.
            for child in (token.children or ()) if token.level == 1 else ():
                if child.type == "softbreak":
                    child.type = "hardbreak"
        self.parsed = list(tokens)
        self._console.file = file = io.StringIO()
        self._console.print(self)
        return file.getvalue()
