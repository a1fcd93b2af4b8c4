"""Where text goes: a terminal, a file or a pipe, each given what it can take."""

import os
import sys
from base64 import b64encode
from pathlib import Path
from typing import Literal, Self, TextIO

from gptoss.cli.harmless import harmless
from gptoss.cli.inline_images import inline
from gptoss.cli.wrapping import Wrapper
from gptoss.engine.errors import GptossError

INTERRUPTED = 130
"""The exit code of whoever was told to stop, or has nobody left to tell."""

Style = Literal["plain", "dim", "bold", "user", "tool", "notice", "error", "added", "removed", "place"]

_CODES: dict[Style, str] = {
    "dim": "2",
    "bold": "1",
    "user": "1",
    "tool": "36",
    "notice": "33",
    "error": "31",
    # Lines of a patch.
    "added": "32",
    "removed": "31",
    "place": "36",
}


class OutputClosed(BaseException):
    """Whoever read the output went away: `| head`, a closed window. Not an error, and nobody is left to tell."""


class OutputFailed(GptossError):
    pass


class Output:
    """One stream.

    On a terminal, text is made harmless (`gptoss.cli.harmless`) and may have colours (`NO_COLOR`, `FORCE_COLOR` and
    TERM=dumb are heeded). Anything else gets the exact text, because a pipe obeys no control sequence and a script
    wants what was said. Every write is flushed: text shows as it comes.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.is_terminal = file.isatty()
        self.is_coloured = _wants_colour(self.is_terminal)
        self._style: Style = "plain"
        self._column_zero = True

    @classmethod
    def silent(cls) -> Self:
        """An output that nobody sees."""
        return cls(Path(os.devnull).open("w", encoding="utf-8"))

    @property
    def width(self) -> int:
        """Columns; 0 when it is no terminal and lines may be as long as they are."""
        if not self.is_terminal:
            return 0
        try:
            return os.get_terminal_size(self._file.fileno()).columns or 80
        except OSError:
            return 80

    @property
    def lays_out(self) -> bool:
        """Whether text may be laid out for whoever reads it; others get it as it is."""
        return self.is_terminal and self.is_coloured and os.environ.get("TERM") != "dumb"

    def write(self, text: str, style: Style = "plain") -> None:
        """Text of any origin. Raises OutputClosed or OutputFailed."""
        if not text:
            return
        self._column_zero = text.endswith("\n")
        self._send(self._dressed(harmless(text) if self.is_terminal else text, style))

    def rendered(self, text: str) -> None:
        """Lines of our own making, colours included; what they say must have been made harmless. Terminals only."""
        if text:
            self._column_zero = text.endswith("\n")
            self._send(text)

    def line(self, text: str = "", style: Style = "plain") -> None:
        """A line of its own: whatever was written before is ended first."""
        self.end_line()
        self.write(text, style)
        self._column_zero = True
        self._send("\n")

    def sentence(self, text: str, style: Style = "plain") -> None:
        """The same for text that may be broken between words, which a terminal would break anywhere."""
        wrapper = Wrapper("", lambda: self.width)
        self.line(wrapper.push(text) + wrapper.flush(), style)

    def end_line(self) -> None:
        if not self._column_zero:
            self._column_zero = True
            self._send("\n")

    def typed_line(self) -> None:
        """The user pressed Enter: the terminal has ended the line by itself."""
        self._column_zero = True

    def transient(self, text: str) -> None:
        """Replace the current line by a passing remark, or take it away with "". For terminals only."""
        if self.is_terminal:
            room = max(self.width - 1, 0)
            self._send("\r\x1b[2K" + self._dressed(harmless(text)[:room], "dim") if text else "\r\x1b[2K")

    def below(self, text: str) -> None:
        """A passing remark on the line below the cursor, which stays where it is; "" takes it away. Terminals only.

        Index (ESC D) makes the line if the cursor is on the last one; DECSC and DECRC bring the cursor back.
        """
        if self.is_terminal:
            room = max(self.width - 1, 0)
            self._send("\x1bD\x1b[A\x1b7\x1b[B\r\x1b[2K" + self._dressed(harmless(text)[:room], "dim") + "\x1b8")

    def copy(self, text: str) -> None:
        """Put text into the clipboard of the user's terminal (OSC 52), which works through ssh too. Terminals only."""
        if self.is_terminal:
            self._send(f"\x1b]52;c;{b64encode(text.encode()).decode()}\x07")

    def picture(self, data: bytes) -> bool:
        """Show a picture on lines of its own, where the terminal can; whether it can."""
        sequence = inline(data) if self.is_terminal else None
        if sequence is not None:
            self.end_line()
            self._send(f"{sequence}\n")
        return sequence is not None

    def clear(self) -> None:
        """An empty screen. Terminals only."""
        if self.is_terminal:
            self._column_zero = True
            self._send("\x1b[2J\x1b[H")

    def _dressed(self, text: str, style: Style) -> str:
        if not self.is_coloured or style == "plain":
            return text
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m"

    def _send(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except (BrokenPipeError, ValueError) as error:
            raise OutputClosed from error
        except OSError as error:
            if not self.is_terminal:
                raise OutputFailed(f"cannot write the output: {error.strerror or error}") from error
            raise OutputClosed from error  # the window is gone


def _wants_colour(is_terminal: bool) -> bool:
    """See https://no-color.org and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal and os.environ.get("TERM") != "dumb"


def standard_streams() -> tuple[Output, Output]:
    """Standard output and standard error; the void for one that was closed from the start."""
    outputs = []
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows "?" for what it lacks instead of failing.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        outputs.append(Output(stream) if stream is not None else Output.silent())
    return outputs[0], outputs[1]
