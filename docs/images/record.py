"""Records the session that README shows: `python docs/images/record.py` writes session.gif beside this file.

A real shell at a real terminal runs the real program; what it writes is played through a terminal emulator (pyte) and
drawn. Only the typing is a script's, and pauses are cut so that nobody has to wait.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect
import pyte
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

COLUMNS, LINES, SIZE = 84, 26, 15
BACKGROUND = "#16181d"
COLOURS = {
    "default": "#d5d8de",
    "black": "#5c6370",
    "red": "#e06c75",
    "green": "#98c379",
    "brown": "#e5c07b",
    "yellow": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#d5d8de",
}
DIM = "#7d8590"
LONGEST_PAUSE, LAST = 1.4, 4.0
"""Seconds for which nothing changes, at most and in the end."""


class Emulator(pyte.Screen):
    """pyte knows no faint text: it is shown in a colour of its own."""

    def select_graphic_rendition(self, *attributes: int, **more: bool) -> None:
        super().select_graphic_rendition(*(90 if each == 2 else each for each in attributes), **more)


class Recorder:
    """A shell in a terminal; `frames` are the pictures with their times."""

    def __init__(self, home: Path) -> None:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("GPTOSS_")}
        environment |= {"GPTOSS_HOME": str(home), "TERM": "xterm-256color", "PS1": "$ ", "PROMPT_TOOLKIT_NO_CPR": "1"}
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        for words in (["chat", "-q", "--session", "first", "Hi"], ["sessions", "delete", "first", "--yes"]):
            subprocess.run(["gptoss", *words], env=environment, check=True, capture_output=True)  # unpacks the model
        self._screen = Emulator(COLUMNS, LINES)
        self._stream = pyte.Stream(self._screen)
        folder = Path(get_data_path()) / "fonts" / "ttf"
        self._fonts = [ImageFont.truetype(folder / f"DejaVuSansMono{kind}.ttf", SIZE) for kind in ("", "-Bold")]
        self.frames: list[tuple[float, Image.Image]] = []
        self._shell = pexpect.spawn(
            "bash",
            ["--norc", "--noprofile"],
            env=environment,
            cwd=str(home),
            encoding="utf-8",
            dimensions=(LINES, COLUMNS),
        )

    def see(self, text: str, within: float = 60) -> None:
        """Record until a text is on the screen."""
        until = time.monotonic() + within
        while not any(text in line for line in self._screen.display):
            self._drain(0.01)
            if time.monotonic() > until:
                raise TimeoutError(f"the screen never showed {text!r}:\n" + "\n".join(self._screen.display))

    def ready(self, prompt: str) -> None:
        """Until the cursor stands behind a prompt."""
        until = time.monotonic() + 60
        while self._line() != prompt.strip():
            self._drain()
            if time.monotonic() > until:
                raise TimeoutError(f"no {prompt!r}:\n" + "\n".join(self._screen.display))
        self._drain(0.5)

    def type(self, text: str) -> None:
        for letter in text:
            self._shell.send(letter)
            self._drain(0.04)
        self._drain(0.3)
        self._shell.send("\r")

    def press(self, key: str) -> None:
        self._shell.send(key)

    def kill_chat(self) -> None:
        """SIGKILL for what runs in the shell."""
        children = Path(f"/proc/{self._shell.pid}/task/{self._shell.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    def _drain(self, seconds: float = 0.1) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self._stream.feed(self._shell.read_nonblocking(4096, timeout=0.02))
            except pexpect.TIMEOUT:
                continue
            self._take()

    def _line(self) -> str:
        return self._screen.display[self._screen.cursor.y].strip()

    def _take(self) -> None:
        width = self._fonts[0].getlength("M")
        height = SIZE + 4
        image = Image.new("RGB", (int(COLUMNS * width) + 24, LINES * height + 20), BACKGROUND)
        draw = ImageDraw.Draw(image)
        for y in range(LINES):
            for x, cell in self._screen.buffer[y].items():
                colour = DIM if cell.fg == "brightblack" else COLOURS.get(cell.fg, f"#{cell.fg}")
                if cell.data.strip():
                    place = (12 + x * width, 10 + y * height)
                    draw.text(place, cell.data, COLOURS.get(cell.fg, colour), self._fonts[cell.bold])
        cursor = self._screen.cursor
        if not cursor.hidden:
            x, y = 12 + cursor.x * width, 10 + cursor.y * height
            draw.rectangle((x, y, x + width, y + height - 3), fill="#9aa0ab")
        self.frames.append((time.monotonic(), image))

    def save(self, file: Path) -> None:
        pictures, lengths, waited = [], [], 0.0
        ends = [at for at, _ in self.frames[1:]] + [self.frames[-1][0] + LAST]
        for number, ((at, image), after) in enumerate(zip(self.frames, ends, strict=True), 1):
            waited += after - at
            if waited < 0.07:  # fourteen pictures a second are enough
                continue
            pictures.append(image.quantize(8))
            lengths.append(int(1000 * (min(waited, LAST if len(self.frames) == number else LONGEST_PAUSE))))
            waited = 0.0
        pictures[0].save(file, save_all=True, append_images=pictures[1:], duration=lengths, loop=0, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        shell = Recorder(Path(home))
        shell.ready("$ ")
        shell.type("gptoss chat --session ada -p")
        shell.ready("> ")
        shell.type("My name is Ada.")
        shell.ready("> ")
        shell.type("How do I resume a session?")
        shell.see("session goes")
        shell.kill_chat()
        shell.ready("$ ")
        shell.type("# killed in the middle of its answer. And on:")
        shell.ready("$ ")
        shell.type("gptoss chat --session ada")
        shell.ready("> ")
        shell.type("What is 37 * 18?")
        shell.ready("> ")
        shell.type("What is my name?")
        shell.ready("> ")
        shell.press("\x04")
        shell.ready("$ ")
        shell.type("gptoss verify")
        shell.ready("$ ")
        shell.save(Path(__file__).parent / "session.gif")
        print("\n".join(shell._screen.display))


if __name__ == "__main__":
    main()
