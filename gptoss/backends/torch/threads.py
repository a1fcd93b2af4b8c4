"""How many threads a computation is worth."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_WORTH_SHARING = 1 << 23
"""Multiplications; about half a millisecond of one core. Below it, threads wait for each other longer than they work,
and many times longer on a machine that is busy with something else."""


ALL_THREADS = torch.get_num_threads()
"""As many as PyTorch was given when it was loaded."""


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Run the body on so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """Run the body, whose largest operation takes so many multiplications, on one thread if more do not pay.

    Results do not depend on it.
    """
    if torch.get_num_threads() == 1 or work >= _WORTH_SHARING:
        yield
        return
    with on_threads(1):
        yield
