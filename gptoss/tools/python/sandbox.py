"""What holds the kernel of the python tool: one of several, chosen by name."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from gptoss.tools.python.limits import Limits

DATA = "/mnt/data"
"""Where the folder of the session is, as the model's tool text promises."""

NAMES = ("bubblewrap", "docker", "unsafe-local")


class Unavailable(Exception):
    """Python cannot run here. The message is a sentence that says what to do about it."""


class Order(Struct, frozen=True):
    """A kernel to be started.

    `runtime` is a folder that the sandbox must show at the same path, writable: it holds the connection file and the
    sockets. `data` is the session's folder. `errors` is where what the program writes to its standard error goes.
    """

    runtime: Path
    data: Path
    errors: Path
    command: tuple[str, ...]


class Sandbox(Protocol):
    """A way to run a kernel. `name` is one of `NAMES`."""

    name: str

    def start(self, order: Order) -> subprocess.Popen[bytes]:
        """Start it; whoever kills the process that is returned kills everything in the sandbox. Raises Unavailable."""
        ...


def open_sandbox(name: str, limits: Limits) -> Sandbox:
    """The sandbox of that name. Raises Unavailable where it cannot be had at all."""
    if name == "bubblewrap":
        from gptoss.tools.python.bubblewrap import Bubblewrap

        return Bubblewrap(limits)
    if name == "docker":
        from gptoss.tools.python.docker import Docker

        return Docker(limits)
    if name == "unsafe-local":
        from gptoss.tools.python.local import Local

        return Local(limits)
    raise Unavailable(f"There is no python backend {name!r}: choose {', '.join(NAMES)}.")


def spawn(
    command: Sequence[str],
    order: Order,
    environment: Mapping[str, str],
    files: Sequence[int] = (),
    *,
    lifeline: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a command apart from the terminal, with nothing of our environment and no files but those named.

    With `lifeline` its standard input ends when this program does.
    """
    with order.errors.open("ab") as errors:
        return subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
            command,
            stdin=subprocess.PIPE if lifeline else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=dict(environment),
            pass_fds=files,
            start_new_session=True,
            cwd="/",
        )
