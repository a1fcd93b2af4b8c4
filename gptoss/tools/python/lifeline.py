"""The first program in a container: runs the kernel, and ends when its standard input does.

With it ends everything in the container. The program that started the container holds the other end of its standard
input, so that no container outlives it.

Runs as text (`python -c`), because the container does not hold this package. The arguments are the command to run.
"""

import ctypes
import os
import subprocess
import sys
import threading


def main() -> None:
    # Nobody in the container may trace this program, and so keep it from ending.
    set_dumpable = 4
    ctypes.CDLL(None).prctl(set_dumpable, 0)
    kernel = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - it comes from our own program
    threading.Thread(target=_end_with, args=(kernel.pid,), daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)


def _end_with(kernel: int) -> None:
    """Take leave of every process that ends here, as the first one must, and end with the kernel."""
    while os.wait()[0] != kernel:
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
