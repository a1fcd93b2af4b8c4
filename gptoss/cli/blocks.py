"""A message on the screen: where its text goes, how it looks and how it is laid out."""

import re

from gptoss.cli.output import Output, Style
from gptoss.cli.wrapping import Wrapper


class Block:
    """Text of one style."""

    def __init__(self, output: Output, style: Style, wrapper: Wrapper) -> None:
        self._output = output
        self._style = style
        self._wrapper = wrapper
        self.is_empty = True

    def write(self, text: str) -> None:
        self.is_empty = False
        self._output.write(self._wrapper.push(text), self._style)

    def go_on(self) -> None:
        """What comes belongs to a message further up."""
        self._output.write(self._wrapper.go_on("…"), "dim")

    def end(self) -> None:
        self._output.write(self._wrapper.flush(), self._style)
        self._output.end_line()


_MARKS: dict[str, Style] = {"+": "added", "-": "removed", "@": "place", "*": "bold"}


class PatchBlock(Block):
    """A patch or a diff: each line is coloured by what it begins with."""

    def __init__(self, output: Output, indent: str) -> None:
        super().__init__(output, "plain", Wrapper(indent))
        self._at_line_start = True

    def write(self, text: str) -> None:
        for line in re.findall(r"[^\n]*\n|[^\n]+", text):
            if self._at_line_start:
                self._style = _MARKS.get(line[0], "plain")
            self._at_line_start = line.endswith("\n")
            super().write(line)


class FoldedBlock(Block):
    """A `text` of which only the length is shown, once it is over."""

    def __init__(self, output: Output, style: Style, wrapper: Wrapper) -> None:
        super().__init__(output, style, wrapper)
        self.text = ""

    def write(self, text: str) -> None:
        self.is_empty = False
        self.text += text

    def go_on(self) -> None:
        """Nothing is on the screen that could be gone on with."""

    def end(self) -> None:
        if self.text:
            words = len(self.text.split())
            self._output.line(f"  … {words} {'word' if words == 1 else 'words'}, /think show unfolds them", self._style)
