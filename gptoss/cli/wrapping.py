"""Indents text as it streams, and breaks its lines between words."""

from collections.abc import Callable

from gptoss.cli.widths import is_wide, width_of

NARROWEST = 20
"""Columns. Whoever has fewer gets the terminal's own line breaks."""


class Wrapper:
    """`push` pieces of a text, then `flush`; each returns what can be shown by then.

    `width` says how many columns there are, 0 for lines as long as they are. When there is a width, the word that is
    being written is held back until it is known to fit. Fenced code and tables are left as they are: their lines mean
    something.
    """

    def __init__(self, indent: str, width: Callable[[], int] = lambda: 0) -> None:
        self._indent = indent
        self._width = width
        self._column = 0
        self._at_line_start = True
        self._spaces = ""
        self._word = ""
        self._in_code = False
        self._in_table = False

    def push(self, text: str) -> str:
        width = self._width()
        limit = width if width >= NARROWEST else 0
        if not limit:
            return self._release(0) + self._unbroken(text)
        shown = []
        is_narrow = text.isascii() and self._word.isascii()
        for character in text:
            if character == "\n":
                shown.append(self._release(limit) + self._spaces + "\n")
                self._spaces = ""
                self._at_line_start = True
            elif character.isspace():
                shown.append(self._release(limit))
                self._spaces += character
            else:
                # A line may be broken before and after a wide character; most scripts that have them use no spaces.
                if not is_narrow and (is_wide(character) or (self._word and is_wide(self._word[-1]))):
                    shown.append(self._release(limit))
                self._word += character
        return "".join(shown)

    def flush(self) -> str:
        """What was held back."""
        width = self._width()
        return self._release(width if width >= NARROWEST else 0)

    def go_on(self, mark: str) -> str:
        """Begin with a mark instead of an indented first word."""
        self._at_line_start = False
        self._column = len(self._indent) + width_of(mark)
        return self._indent + mark

    def _release(self, limit: int) -> str:
        """The held word with the spaces before it, or on a line of its own when it would not fit."""
        word, spaces = self._word, self._spaces
        if not word:
            return ""
        self._word = self._spaces = ""
        if self._at_line_start:
            self._at_line_start = False
            self._in_code ^= word.startswith(("```", "~~~"))
            self._in_table = word.startswith("|")
            self._column = len(self._indent) + width_of(spaces + word)
            return self._indent + spaces + word
        self._column += width_of(spaces + word)
        if self._column > limit > 0 and not self._in_code and not self._in_table:
            self._column = len(self._indent) + width_of(word)
            return f"\n{self._indent}{word}"
        return spaces + word

    def _unbroken(self, text: str) -> str:
        pieces = []
        for number, line in enumerate(text.split("\n")):
            if number:
                pieces.append("\n")
                self._at_line_start = True
            if line:
                pieces.append(self._indent + line if self._at_line_start else line)
                self._at_line_start = False
        return "".join(pieces)
