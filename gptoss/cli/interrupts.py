"""Signals as a question: has somebody asked to stop?

While an answer is written, Ctrl-C only raises a flag; the engine looks at it after every token, so that the turn ends
in an orderly way and the partial answer is kept. A second Ctrl-C leaves at once. SIGTERM and SIGHUP (the window was
closed) do as the first Ctrl-C does, and the program leaves afterwards.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

LEAVING = (signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """Call it to ask whether to stop. A context manager: it takes the signals over and gives them back."""

    def __init__(self) -> None:
        self._requested = False
        self._answering = False
        self.leaving = False
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self._requested

    def __enter__(self) -> "Interrupts":
        for number in LEAVING:
            # What the parent told us to ignore, as nohup does, stays ignored.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._leave)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While an answer is being written. A second Ctrl-C raises KeyboardInterrupt."""
        self._requested = self.leaving
        self._answering = True
        before = signal.getsignal(signal.SIGINT)
        if before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._stop)
        try:
            yield
        finally:
            self._answering = False
            signal.signal(signal.SIGINT, before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            raise KeyboardInterrupt
        self._requested = True

    def _leave(self, number: int, frame: FrameType | None) -> None:
        self._requested = self.leaving = True
        if not self._answering:
            raise KeyboardInterrupt
