"""Reads what the user types: with editing and history on a real terminal, by plain lines elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gptoss.cli.output import Output

if TYPE_CHECKING:
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings

PROMPT = "> "
HISTORY = "history"

Reader = Callable[[], str]
"""Returns what was typed. EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""


def line_reader(out: Output, data: Path) -> Reader:
    """The reader that suits this terminal; `data` is the folder of the history."""
    if not out.is_terminal or os.environ.get("TERM") == "dumb":
        return _plain(out)
    return _editing(out, data)


def _plain(out: Output) -> Reader:
    def read() -> str:
        out.write(PROMPT)
        line = sys.stdin.readline()
        out.typed_line()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    return read


def _editing(out: Output, data: Path) -> Reader:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import ColorDepth

    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation="  ",
        key_bindings=_keys(),
        history=_history(data / HISTORY),
        color_depth=None if out.is_coloured else ColorDepth.MONOCHROME,
    )
    return session.prompt


def _keys() -> KeyBindings:
    """Enter sends, Alt-Enter begins a new line."""
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _history(file: Path) -> History:
    """Kept in a file for its owner alone; in memory where none can be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)
