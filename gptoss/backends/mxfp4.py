"""MXFP4, the format of the published expert weights (OCP Microscaling Formats 1.0).

Each 32 consecutive weights of a row share one scale, a power of two; each weight is one of 16 values in 4 bits.
"""

import torch
from msgspec import Struct

GROUP = 32
"""Weights per scale."""

_MAGNITUDES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_VALUES = torch.tensor([*_MAGNITUDES, *(-magnitude for magnitude in _MAGNITUDES)])
_PAIRS = torch.stack((_VALUES.repeat(16), _VALUES.repeat_interleave(16)), dim=-1)
"""[256, 2]: the two weights that a byte holds, the one in the low half first."""

_SCALE_BIAS = 127


class Mxfp4Matrix(Struct, frozen=True):
    """A packed matrix of `rows` by `groups * 32` weights.

    `blocks` is uint8 [rows, groups, 16], two weights a byte; `scales` uint8 [rows, groups], biased exponents.
    """

    blocks: torch.Tensor
    scales: torch.Tensor

    def dequantise(self) -> torch.Tensor:
        """The weights as bfloat16 [rows, groups * 32]; every value of the format is exact in it."""
        values = _PAIRS[self.blocks.int()].flatten(-2)
        exponents = self.scales.int().unsqueeze(-1) - _SCALE_BIAS
        return torch.ldexp(values, exponents).to(torch.bfloat16).flatten(-2)
