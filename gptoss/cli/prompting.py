"""Reads what the user types: with editing and history on a real terminal, by plain lines elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gptoss.cli.interrupts import LEAVING
from gptoss.cli.output import Output

if TYPE_CHECKING:
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings

PROMPT = "> "
CONTINUATION = "  "
QUOTES = '"""'
HISTORY = "history"

Reader = Callable[[], str]
"""Returns what was typed. EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""


def edits_lines(out: Output) -> bool:
    """Whether this terminal can do more than take plain lines."""
    return out.is_terminal and os.environ.get("TERM") != "dumb"


def line_reader(
    out: Output,
    data: Path,
    *,
    commands: Mapping[str, str],
    sessions: Callable[[], list[str]],
    status: Callable[[], str] = str,
) -> Reader:
    """The reader that suits this terminal.

    `data` is the folder of the history; `commands` (with what they do) and the names of `sessions` are what can be
    completed; `status` is shown below the line while the user types.
    """
    if not edits_lines(out):
        return _plain(out)
    return _editing(out, data, commands, sessions, status)


def _is_open(text: str) -> bool:
    """Whether a block between lines of three quotation marks still waits for its end."""
    return text.startswith(QUOTES) and not (len(text) >= 2 * len(QUOTES) and text.rstrip().endswith(QUOTES))


def _unquoted(text: str) -> str:
    """A block without the quotation marks around it."""
    text = text.rstrip()
    if text.startswith(QUOTES) and not _is_open(text):
        return text[len(QUOTES) : -len(QUOTES)].strip("\n")
    return text


def _plain(out: Output) -> Reader:
    def read() -> str:
        text, prompt = "", PROMPT
        while not text or _is_open(text):
            out.write(prompt)
            line = sys.stdin.readline()
            out.typed_line()
            if not line:
                if text:
                    break
                raise EOFError
            text, prompt = text + line, CONTINUATION
        return _unquoted(text)

    return read


def _editing(
    out: Output,
    data: Path,
    commands: Mapping[str, str],
    sessions: Callable[[], list[str]],
    status: Callable[[], str],
) -> Reader:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.output import ColorDepth
    from prompt_toolkit.shortcuts import CompleteStyle
    from prompt_toolkit.styles import Style

    from gptoss.cli.completing import SlashCompleter

    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=CONTINUATION,
        key_bindings=_keys(),
        history=_history(data / HISTORY),
        completer=SlashCompleter(commands, sessions),
        complete_style=CompleteStyle.READLINE_LIKE,
        bottom_toolbar=lambda: status() or None,
        style=Style.from_dict({"bottom-toolbar": "noreverse fg:ansibrightblack"}),
        color_depth=None if out.is_coloured else ColorDepth.MONOCHROME,
    )

    def read() -> str:
        with _orderly_leaving() as begin:
            return _unquoted(session.prompt(pre_run=begin))

    return read


@contextmanager
def _orderly_leaving() -> Iterator[Callable[[], None]]:
    """Gives what a prompt is to call when it runs: from then on a signal to leave ends the prompt from within.

    The handler that is there raises KeyboardInterrupt, and wherever in its own work the prompt is hit by that, it may
    take it for a fault of its own and show a traceback.
    """
    from prompt_toolkit.application import get_app

    found = {int(number): signal.getsignal(number) for number in LEAVING}
    before = {number: handler for number, handler in found.items() if callable(handler)}

    def begin() -> None:
        app, loop = get_app(), asyncio.get_running_loop()

        def end() -> None:
            if app.is_running and not app.is_done:
                app.exit(exception=KeyboardInterrupt())

        def leave(number: int, frame: FrameType | None) -> None:
            try:
                before[number](number, frame)
            except KeyboardInterrupt:
                loop.call_soon_threadsafe(end)

        for number in before:
            signal.signal(number, leave)

    try:
        yield begin
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _keys() -> KeyBindings:
    """Enter sends, Alt-Enter and Ctrl-J begin a new line, Ctrl-G opens the user's editor."""
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _is_open(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-g")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.open_in_editor()

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
