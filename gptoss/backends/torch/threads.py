"""How many threads a computation is worth."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_WORTH_SHARING = 1 << 23
"""Multiplications; about half a millisecond of one core. Below it, threads wait for each other longer than they work,
and many times longer on a machine that is busy with something else."""


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """Run the body, whose largest operation takes so many multiplications, on one thread if more do not pay.

    Results do not depend on it.
    """
    threads = torch.get_num_threads()
    if threads == 1 or work >= _WORTH_SHARING:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
