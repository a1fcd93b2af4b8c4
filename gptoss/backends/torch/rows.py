"""How many rows to compute so that each comes out the same as among any other number of rows.

Matrix kernels treat a few rows at a time, and the last ones with another order of additions; a row's last bits then
depend on its company. Which counts are treated alike differs between processors, so it is tried out on small matrices,
once for each count. Computing some rows more than asked for costs little: while they are few, what takes the time is
the weights' way from memory.
"""

from functools import cache

import torch

from gptoss.backends.torch.linear import Linear, linear

_MULTIPLE = 4
_REFERENCE = 24
_MOST_TRIED = 16


@cache
def steady_rows(count: int, dtype: torch.dtype) -> int:
    """The smallest number of rows, `count` or more, whose results with such weights equal those of other such numbers.

    Where there is none (a kernel that is not known here) it is `count`: results are right, but may differ in the last
    bits with the way a prompt was cut into chunks.
    """
    first = -(-count // _MULTIPLE) * _MULTIPLE
    tried = range(first, first + _MOST_TRIED * _MULTIPLE, _MULTIPLE)
    return next((rows for rows in tried if _is_steady(rows, dtype)), count)


def _is_steady(rows: int, dtype: torch.dtype) -> bool:
    product = _sample(dtype)
    whole = -(-rows // _REFERENCE) * _REFERENCE
    x = torch.randn(whole, 72, generator=torch.Generator().manual_seed(1))
    reference = torch.cat([product(part) for part in x.split(_REFERENCE)])
    return torch.equal(product(x[:rows]), reference[:rows])


@cache
def _sample(dtype: torch.dtype) -> Linear:
    random = torch.Generator().manual_seed(0)
    return linear(torch.randn(40, 72, generator=random).to(dtype), torch.randn(40, generator=random).to(dtype))
