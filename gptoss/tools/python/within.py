"""The kernel's own program: a Jupyter kernel as usual, but for what makes a notebook of a tool.

Runs as text (`python -c`), because the sandbox does not hold this package. Argument 1 is the connection file.
"""

import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

OPTIONS = ("--InteractiveShell.colors=nocolor", "--HistoryManager.enabled=False")


def main() -> None:
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize(["-f", sys.argv[1], *OPTIONS])
    # Code that calls exit() means to end itself, not to lose all variables.
    app.shell.ask_exit = lambda: None
    _write_in_order(sys.stdout, sys.stderr)
    # What other programs write comes in order too.
    os.dup2(1, 2)
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


if __name__ == "__main__":
    main()
