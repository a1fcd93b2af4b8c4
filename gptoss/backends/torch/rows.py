"""How many rows to compute so that each comes out the same as among any other number of rows.

Matrix kernels treat a few rows at a time, and the last ones with another order of additions; a row's last bits then
depend on its company. Which counts are treated alike differs between processors, so it is tried out on small matrices,
once for each count. Computing some rows more than asked for costs little: while they are few, what takes the time is
the weights' way from memory.
"""

from collections.abc import Callable
from functools import cache

import torch

from gptoss.backends.torch.linear import Linear, linear

Pad = Callable[[torch.Tensor], torch.Tensor]
"""[rows, n] -> at least as many rows, the first of which are the same."""

_SAMPLE_SIZES = ((640, 768), (24, 72))
_MULTIPLE = 4
_REFERENCE = 24
_MOST_TRIED = 16


def padding(device: torch.device, dtype: torch.dtype) -> Pad:
    """What makes rows steady before a product with weights of this type. On a GPU nothing does: it adds none."""
    if device.type != "cpu":
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

    It is a multiple of 4. Where there is none (a kernel that is not known here) it is `count`: results are right, but
    may differ in the last bits with the way a prompt was cut into chunks.
    """
    first = -(-count // _MULTIPLE) * _MULTIPLE
    tried = range(first, first + _MOST_TRIED * _MULTIPLE, _MULTIPLE)
    return next((rows for rows in tried if _is_steady(rows, dtype)), count)


def _is_steady(rows: int, dtype: torch.dtype) -> bool:
    whole = -(-rows // _REFERENCE) * _REFERENCE
    for product, (_, inner) in zip(_samples(dtype), _SAMPLE_SIZES, strict=True):
        x = torch.randn(whole, inner, generator=torch.Generator().manual_seed(1))
        reference = torch.cat([product(part) for part in x.split(_REFERENCE)])
        if not torch.equal(product(x[:rows]), reference[:rows]):
            return False
    return True


@cache
def _samples(dtype: torch.dtype) -> list[Linear]:
    """Products of two sizes: kernels may treat large and small ones differently."""
    random = torch.Generator().manual_seed(0)
    return [linear(torch.randn(out, inner, generator=random).to(dtype), None) for out, inner in _SAMPLE_SIZES]
