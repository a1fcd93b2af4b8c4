"""The kernel's own program: a Jupyter kernel as usual, but for what makes a notebook of a tool.

Runs as text (`python -c`), because the sandbox does not hold this package. Argument 1 is the connection file.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

OPTIONS = ("--InteractiveShell.colors=nocolor", "--HistoryManager.enabled=False")

PATIENCE = 1.0
"""Seconds that a cell's end waits for what programs wrote: a cell that has closed the pipe waits for nothing."""


def main() -> None:
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize(["-f", sys.argv[1], *OPTIONS])
    # Code that calls exit() means to end itself, not to lose all variables.
    app.shell.ask_exit = lambda: None
    _write_in_order(sys.stdout, sys.stderr)
    # What other programs write comes in order too.
    os.dup2(1, 2)
    _end_after_programs(app.shell, sys.stdout)
    app.start()


def _write_in_order(*streams: TextIO) -> None:
    """Each stream is sent when its buffer is due; so one must be sent before another is written to."""
    last = streams[0]

    def ordered(stream: TextIO) -> Callable[[str], int]:
        write = stream.write

        def write_next(text: str) -> int:
            nonlocal last
            if last is not stream:
                last.flush()
                last = stream
            return write(text)

        return write_next

    for stream in streams:
        stream.write = ordered(stream)  # type: ignore[method-assign]


def _end_after_programs(shell: Any, stream: TextIO) -> None:
    """What programs write goes into a pipe that a thread reads; so a cell's end must wait until all of it was read.

    The cell writes a mark of its own into the pipe, and waits until it comes out at the other end, perhaps in pieces.
    """
    write, mark = stream.write, f"\0{os.urandom(8).hex()}\0"
    waiting, came = threading.Event(), threading.Event()
    held = ""

    def write_without_mark(text: str) -> int:
        nonlocal held
        text, held = held + text, ""
        if waiting.is_set():
            text, found, rest = text.partition(mark)
            if found:
                came.set()
                text += rest
            else:
                begun = next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)
                text, held = text[: len(text) - begun], text[len(text) - begun :]
        return write(text)

    def wait(_: object) -> None:
        came.clear()
        waiting.set()
        with suppress(OSError):
            os.write(1, mark.encode())
            came.wait(PATIENCE)
        waiting.clear()

    stream.write = write_without_mark  # type: ignore[method-assign]
    shell.events.register("post_run_cell", wait)


if __name__ == "__main__":
    main()
