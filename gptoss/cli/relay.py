"""A terminal of our own within the user's, for a process that torchrun started.

Ctrl-C in the user's terminal goes to torchrun, which answers it by ending everything, and never to us: each rank is in
a session of its own. So rank 0 runs in a pseudo-terminal, and a small process of ours carries what is typed there, as
it is, and brings back what is shown. Ctrl-C is then what it is without torchrun, and so is the rest of a terminal.
"""

import fcntl
import os
import select
import signal
import struct
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

_LOOK = 0.25
"""Seconds between two looks at the window's size and at who still lives."""

KILLED = (
    "gptoss: rank 0 was killed, and the others left with it; "
    "nothing that was said is lost: start again, on any number of ranks"
)


def in_own_terminal(main: Callable[[], int]) -> int:
    """Run `main` in a pseudo-terminal if this process reads from a terminal, else just so. Its exit code."""
    if not os.isatty(0):
        return main()
    real = Terminal()
    ours, inner = os.openpty()
    termios.tcsetattr(inner, termios.TCSANOW, real.mode)
    real.pass_size(ours)
    parent = os.getpid()
    child = os.fork()
    if child:
        os.close(inner)
        return _Relay(real, ours, child).run()
    os.close(ours)
    _enter(inner)
    try:
        return main()
    finally:
        if os.getppid() != parent:  # whoever should have put the user's terminal in order again is gone
            real.restore()
            real.show(f"\n{KILLED}\n")


class Terminal:
    """The user's terminal; `mode` is how it was found."""

    def __init__(self) -> None:
        self.mode: list[Any] = termios.tcgetattr(0)
        self._size = b""
        # To be kept when the standard streams become others.
        self._shown = os.dup(next((stream for stream in (1, 2) if os.isatty(stream)), 0))

    def restore(self) -> None:
        with suppress(termios.error):  # its window is gone
            termios.tcsetattr(self._shown, termios.TCSADRAIN, self.mode)

    def show(self, text: str) -> None:
        self.write(text.encode())

    def write(self, data: bytes) -> None:
        with suppress(OSError):
            while data:
                data = data[os.write(self._shown, data) :]

    def pass_size(self, inner: int) -> None:
        """Make the other terminal as large as this one. Whoever runs there is told by the system."""
        with suppress(OSError):
            size = fcntl.ioctl(self._shown, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
            if size != self._size:
                fcntl.ioctl(inner, termios.TIOCSWINSZ, size)
                self._size = size


class _Relay:
    """Carries bytes between two terminals as long as `child` lives."""

    def __init__(self, real: Terminal, ours: int, child: int) -> None:
        self._real = real
        self._ours = ours
        self._child = child
        self._parent = os.getppid()
        self._typed = b""
        self._types = True

    def run(self) -> int:
        """The child's exit code."""
        os.set_blocking(self._ours, False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._end)
        tty.setraw(0, termios.TCSANOW)
        try:
            status = self._carry()
        finally:
            self._real.restore()
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            self._real.show(f"\n{KILLED}\n")
        return code if code >= 0 else 128 - code

    def _carry(self) -> int:
        """Until the child has ended and all that it showed is shown: its status."""
        shows = True
        while True:
            reading = [self._ours] * shows + [0] * self._types
            readable, writable, _ = select.select(reading, [self._ours] if self._typed else [], [], _LOOK)
            if self._ours in readable:
                shows = self._show()
            if 0 in readable:
                self._type()
            if writable:
                with suppress(OSError):
                    self._typed = self._typed[os.write(self._ours, self._typed) :]
            if not readable or not shows:
                done, status = os.waitpid(self._child, 0 if not shows and not self._types else os.WNOHANG)
                if done:
                    return status
            self._real.pass_size(self._ours)
            if os.getppid() != self._parent:  # torchrun is gone
                self._parent = os.getppid()
                self._end()

    def _show(self) -> bool:
        """False when nobody can show anything there any more."""
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # it is how Linux says that the last one has closed it
            return False
        self._real.write(data)
        return bool(data)

    def _type(self) -> None:
        try:
            data = os.read(0, 1 << 12)
        except OSError:
            data = b""
        self._typed += data
        if not data:  # the window was closed
            self._types = False
            self._end()

    def _end(self, number: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Have the child leave in good order: whatever comes from torchrun means that all is over."""
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGTERM)


def _enter(inner: int) -> None:
    """Make a terminal this process's own, in place of the user's."""
    replaced = [stream for stream in range(3) if os.isatty(stream)]
    os.setsid()
    fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
    for stream in replaced:
        os.dup2(inner, stream)
    os.close(inner)
