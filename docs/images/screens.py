"""Takes the pictures of the chat: `python docs/images/screens.py` writes them beside this file, light and dark.

A real chat with the embedded model runs at a real terminal; what it writes is played through a terminal emulator
(pyte), and the screen is drawn as SVG.
"""

import os
import sys
import tempfile
import time
from html import escape
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from record import Emulator

COLUMNS, LINES = 84, 28
WIDTH, HEIGHT, MARGIN = 8.4, 19, 14
"""Pixels of a character, and around the screen."""

THEMES = {
    "dark": {
        "background": "#16181d", "default": "#d5d8de", "brightblack": "#7d8590", "red": "#e06c75", "green": "#98c379",
        "brown": "#e5c07b", "blue": "#61afef", "brightblue": "#61afef", "magenta": "#c678dd", "cyan": "#56b6c2",
    },
    "light": {
        "background": "#ffffff", "default": "#24292f", "brightblack": "#6e7781", "red": "#cf222e", "green": "#116329",
        "brown": "#953800", "blue": "#0969da", "brightblue": "#0969da", "magenta": "#8250df", "cyan": "#1b7c83",
    },
}  # fmt: skip


class Chat:
    """`gptoss chat` at a terminal, and what is on its screen."""

    def __init__(self, home: Path, *arguments: str) -> None:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("GPTOSS_")}
        environment |= {"GPTOSS_HOME": str(home), "TERM": "xterm-256color"}
        self.screen = Emulator(COLUMNS, LINES)
        self._stream = pyte.Stream(self.screen)
        self._process = pexpect.spawn(
            sys.executable,
            ["-m", "gptoss", "chat", *arguments],
            env=environment,
            cwd=str(home),
            encoding="utf-8",
            dimensions=(LINES, COLUMNS),
        )
        self.screen.write_process_input = self._process.send  # where the cursor is, when it is asked
        self.wait()

    def say(self, text: str) -> None:
        self.press(text)
        self.press("\r")
        self.wait()

    def press(self, keys: str) -> None:
        self._process.send(keys)
        self._read(1.0)

    def wait(self) -> None:
        """Until there is a prompt, and nothing behind it."""
        until = time.monotonic() + 120
        while self.screen.display[self.screen.cursor.y].strip() != ">":
            self._read(0.2)
            if time.monotonic() > until:
                raise TimeoutError("there is no prompt:\n" + "\n".join(self.screen.display))
        self._read(0.5)

    def leave(self) -> None:
        self._process.close(force=True)

    def _read(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                self._stream.feed(self._process.read_nonblocking(4096, timeout=0.05))
            except pexpect.TIMEOUT:
                continue


def drawn(screen: pyte.Screen, colours: dict[str, str]) -> str:
    """The screen as SVG, as far down as there is something."""
    used = max(y for y, line in enumerate(screen.display) if line.strip()) + 1
    width, height = COLUMNS * WIDTH + 2 * MARGIN, used * HEIGHT + 2 * MARGIN
    svg = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">',
        f'<rect width="100%" height="100%" rx="8" fill="{colours["background"]}"/>',
    ]
    for y in range(used):
        cells = [(x, screen.buffer[y][x]) for x in range(COLUMNS)]
        for (colour, bold, reverse), group in groupby(cells, lambda each: (each[1].fg, each[1].bold, each[1].reverse)):
            run = list(group)
            text = "".join(cell.data for _, cell in run)
            if not text.strip() and not reverse:
                continue
            left, top = MARGIN + run[0][0] * WIDTH, MARGIN + y * HEIGHT
            ink, length = colours.get(colour, colours["default"]), len(run) * WIDTH
            if reverse:
                svg.append(f'<rect x="{left:.1f}" y="{top}" width="{length:.1f}" height="{HEIGHT}" fill="{ink}"/>')
                ink = colours["background"]
            weight = ' font-weight="bold"' if bold else ""
            svg.append(
                f'<text x="{left:.1f}" y="{top + 14}" fill="{ink}" textLength="{length:.1f}"{weight} '
                f'xml:space="preserve">{escape(text)}</text>'
            )
    return "\n".join([*svg, "</svg>", ""])


def save(chat: Chat, name: str) -> None:
    for theme, colours in THEMES.items():
        Path(__file__).with_name(f"{name}-{theme}.svg").write_text(drawn(chat.screen, colours), encoding="utf-8")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        chat = Chat(Path(home), "--session", "ada", "-p")
        chat.say("My name is Ada.")
        chat.say("What is 37 * 18?")
        save(chat, "chat")
        chat.press("\x0c/")
        save(chat, "menu")
        chat.press("\x03")
        chat.say("/undo")
        chat.say("What is my name?")
        chat.press("\x0c")
        chat.say("/tree")
        chat.say("/raw on")
        chat.say("How do I resume a session?")
        save(chat, "raw")
        chat.leave()


if __name__ == "__main__":
    main()
