"""How one of GCC's threads waits for the others. Nothing here imports torch: it must be said before."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_TURNS, _POLICY = "GOMP_SPINCOUNT", "OMP_WAIT_POLICY"
_FEW = "10000"


@contextmanager
def waiting_briefly() -> Iterator[None]:
    """Let the library for threads, which asks when it is loaded, turn in a loop for 0.2 ms and then sleep.

    Its own 300,000 turns keep from the processor whom it waits for, where something else runs too: with two busy
    processes beside it, two threads took 1.1 to 2 times as long for a token. What the user said counts.
    """
    if _TURNS in os.environ or _POLICY in os.environ:
        yield
        return
    os.environ[_TURNS] = _FEW
    try:
        yield
    finally:
        os.environ.pop(_TURNS, None)
