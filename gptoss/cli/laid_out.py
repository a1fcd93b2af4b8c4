"""Markdown as rich lays it out, with headings where text begins and lines broken where the model broke them."""

from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import Heading, Markdown, MarkdownElement


class LeftHeading(Heading):
    """A heading without a box around it."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        text = self.text.copy()
        text.justify = "left"
        text.stylize("bold underline" if self.tag == "h1" else "bold")
        yield text


class LaidOut(Markdown):
    """See `rich.markdown.Markdown`."""

    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": LeftHeading}

    def __init__(self, markup: str, *, code_theme: str, hyperlinks: bool) -> None:
        super().__init__(markup, code_theme=code_theme, hyperlinks=hyperlinks)
        for token in self.parsed:
            # An inline token of level 1 is a paragraph of its own, not one in a list or a quotation.
            for child in (token.children or ()) if token.level == 1 else ():
                if child.type == "softbreak":
                    child.type = "hardbreak"
