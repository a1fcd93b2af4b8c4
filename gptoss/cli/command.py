"""What a command line comes to once it is understood."""

from collections.abc import Callable
from typing import NamedTuple

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.output import Output


class Tools(NamedTuple):
    """What every command works with: the adapters, standard output and standard error."""

    adapters: Adapters
    out: Output
    err: Output


Command = Callable[[Tools], int]
"""Does it and returns the exit code."""
