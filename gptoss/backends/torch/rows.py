"""How many rows to compute so that each comes out the same as among any other number of rows.

Matrix kernels treat a few rows at a time, and the last ones with another order of additions; a row's last bits then
depend on its company. Which counts are treated alike differs between processors, so it is tried out on small matrices,
once for each count. Computing some rows more than asked for costs little: while they are few, what takes the time is
the weights' way from memory.
"""

from collections.abc import Callable
from functools import cache

import torch

from gptoss.backends.torch.linear import STEADY_ROWS, Linear, linear
from gptoss.backends.torch.threads import ALL_THREADS, on_threads

Pad = Callable[[torch.Tensor], torch.Tensor]
"""[rows, n] -> at least as many rows, the first of which are the same."""

_INNER = 72


def padding(device: torch.device, dtype: torch.dtype) -> Pad:
    """What makes rows steady before a product with weights of this type. On a GPU nothing does: it adds none; nor for
    float32, whose products see to it themselves."""
    if device.type != "cpu" or dtype == torch.float32:
        return lambda x: x

    def pad(x: torch.Tensor) -> torch.Tensor:
        count = len(x)
        rows = steady_rows(count, dtype)
        if count == 1:
            return x.expand(rows, -1)
        return x if rows == count else torch.cat((x, x[-1:].expand(rows - count, -1)))

    return pad


@cache
def steady_rows(count: int, dtype: torch.dtype) -> int:
    """The smallest number of rows, `count` or more, whose results with such weights equal those of other such numbers.

    Where there is none (a kernel that is not known here) it is `count`: results are right, but may differ in the last
    bits with the way a prompt was cut into chunks.
    """
    return next((rows for rows in range(count, count + STEADY_ROWS) if _is_steady(rows, dtype)), count)


def _is_steady(rows: int, dtype: torch.dtype) -> bool:
    product = _sample(dtype)
    whole = -(-rows // STEADY_ROWS) * STEADY_ROWS
    x = torch.randn(whole, _INNER, generator=torch.Generator().manual_seed(1))
    # A library may divide the same product in another way between several threads, and whoever asks first may have
    # been told to use one.
    with on_threads(1):
        reference = torch.cat([product(part) for part in x.split(STEADY_ROWS)])
        steady = torch.equal(product(x[:rows]), reference[:rows])
    with on_threads(ALL_THREADS):
        return steady and torch.equal(product(x[:rows]), reference[:rows])


@cache
def _sample(dtype: torch.dtype) -> Linear:
    return linear(torch.randn(40, _INNER, generator=torch.Generator().manual_seed(0)).to(dtype), None)
