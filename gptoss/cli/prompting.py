"""Reads what the user types: with editing and history on a real terminal, by plain lines elsewhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from gptoss.cli.interrupts import LEAVING
from gptoss.cli.output import Output
from gptoss.cli.widths import fitted, width_of

if TYPE_CHECKING:
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings

    from gptoss.cli.completing import Names

PROMPT = "> "
CONTINUATION = "  "
QUOTES = '"""'
HISTORY = "history"

MENU_LINES = 8
"""Lines of the menu of completions; fewer where the terminal has fewer."""

_STYLES = {
    "bottom-toolbar": "noreverse fg:ansibrightblack",
    # The terminal's own colours, whether they are dark on light or light on dark.
    "completion-menu": "fg:default bg:default",
    "completion-menu.completion": "fg:default bg:default",
    "completion-menu.completion.current": "fg:default bg:default reverse",
    "completion-menu.meta.completion": "fg:ansibrightblack bg:default",
    "completion-menu.meta.completion.current": "fg:default bg:default bold",
    "scrollbar.background": "bg:default",
    "scrollbar.button": "bg:ansibrightblack",
}

Reader = Callable[[], str]
"""Returns what was typed. EOFError for Ctrl-D, KeyboardInterrupt for Ctrl-C."""


def edits_lines(out: Output) -> bool:
    """Whether this terminal can do more than take plain lines."""
    return out.is_terminal and os.environ.get("TERM") != "dumb"


def line_reader(
    out: Output,
    data: Path | None,
    *,
    commands: Mapping[str, str],
    names: Names,
    status: Callable[[], Sequence[str]] = tuple,
) -> Reader:
    """The reader that suits this terminal.

    `data` is the folder of the history, if one is to be kept; `commands` (with what they do) and the `names` that
    follow them are what can be completed; `status` has the facts that stand below the line while the user types, the
    most important first.
    """
    if not edits_lines(out):
        return _plain(out)
    return _editing(out, data, commands, names, status)


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
    data: Path | None,
    commands: Mapping[str, str],
    names: Names,
    status: Callable[[], Sequence[str]],
) -> Reader:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.layout.processors import TabsProcessor
    from prompt_toolkit.output import ColorDepth
    from prompt_toolkit.shortcuts import CompleteStyle
    from prompt_toolkit.styles import Style

    from gptoss.cli.completing import SlashCompleter

    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=CONTINUATION,
        key_bindings=_keys(),
        history=_history(data),
        completer=SlashCompleter(commands, names),
        complete_while_typing=Condition(lambda: session.default_buffer.text.startswith("/")),
        complete_style=CompleteStyle.COLUMN,
        reserve_space_for_menu=MENU_LINES,
        input_processors=[TabsProcessor(char1=" ", char2=" ")],
        bottom_toolbar=lambda: joined_facts(status(), out.width) or None,
        style=Style.from_dict(_STYLES),
        color_depth=None if out.is_coloured else ColorDepth.MONOCHROME,
        enable_suspend=True,
    )

    def read() -> str:
        with _orderly_leaving() as begin:
            return _unquoted(session.prompt(pre_run=begin))

    return read


def joined_facts(facts: Sequence[str], width: int) -> str:
    """As many of the facts as fit into one line, the first ones first."""
    for count in range(len(facts), 0, -1):
        line = " · ".join(facts[:count])
        if width_of(line) <= width or count == 1:
            return fitted(line, width)
    return ""


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
    """Enter sends, Alt-Enter and Ctrl-J begin a new line, Ctrl-G opens the user's editor, Ctrl-C drops what was typed.

    In a search of the history (Ctrl-R) they mean what they mean there.
    """
    from prompt_toolkit.completion import CompleteEvent, get_common_complete_suffix
    from prompt_toolkit.enums import DEFAULT_BUFFER
    from prompt_toolkit.filters import has_focus
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    keys, typing = KeyBindings(), has_focus(DEFAULT_BUFFER)

    @keys.add("enter", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _is_open(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    @keys.add("c-j", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-g", filter=typing)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.open_in_editor()

    @keys.add("tab", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
            return
        # At once: whoever types fast must not have the next key taken before the completion.
        found = list(buffer.completer.get_completions(buffer.document, CompleteEvent(completion_requested=True)))
        if len(found) == 1:
            buffer.apply_completion(found[0])
        elif found:
            buffer.insert_text(get_common_complete_suffix(buffer.document, found))
            buffer.start_completion()

    @keys.add("c-c", filter=typing)
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if not buffer.text:
            event.app.exit(exception=KeyboardInterrupt())
            return
        buffer.append_to_history()  # an arrow up brings it back
        event.app.exit(result="")

    return keys


def _history(data: Path | None) -> History:
    """Kept in a file for its owner alone; in memory where none can be written, or is wanted."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    if data is None:
        return InMemoryHistory()
    file = data / HISTORY
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)
