"""Modes of the terminal that the user types into."""

import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_LINES = termios.ECHO | termios.ICANON

Mode = list[Any]


@contextmanager
def typing_ahead() -> Iterator[None]:
    """While the program works: what is typed does not show in between, and waits for the next prompt as it was typed.

    Enter stays a carriage return, so that a prompt for which Ctrl-J (a newline) is a new line can tell them apart.
    Ctrl-C works as ever.
    """
    with _mode(lambda mode: [mode[0] & ~termios.ICRNL, *mode[1:3], mode[3] & ~_LINES, *mode[4:]]):
        yield


@contextmanager
def asking() -> Iterator[None]:
    """While a question is asked: what was typed before it is no answer, what is typed shows, and Enter ends it."""
    with _mode(lambda mode: [mode[0] | termios.ICRNL, *mode[1:3], mode[3] | _LINES, *mode[4:]]):
        if _terminal() is not None:
            termios.tcflush(sys.stdin, termios.TCIFLUSH)
        yield


def _terminal() -> int | None:
    return sys.stdin.fileno() if sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty() else None


@contextmanager
def _mode(changed: Callable[[Mode], Mode]) -> Iterator[None]:
    terminal = _terminal()
    if terminal is None:
        yield
        return
    try:
        before = termios.tcgetattr(terminal)
        termios.tcsetattr(terminal, termios.TCSANOW, changed(before))
    except termios.error:  # the window is gone
        yield
        return
    try:
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSANOW, before)
