"""MXFP4: blocks of 32 numbers that share a power of two, each one of 15 values (OCP Microscaling formats 1.0)."""

from itertools import pairwise

import torch
from torch import Tensor

BLOCK = 32
VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""The magnitudes of e2m1; the fourth bit is the sign."""

_BIAS = 127
# Halfway between neighbouring magnitudes.
_BOUNDS = tuple((low + high) / 2 for low, high in pairwise(VALUES))


def _split(weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """float [..., n] to exponents [..., n/32], indices of magnitudes and signs [..., n/32, 32]."""
    blocks = weights.float().unflatten(-1, (-1, BLOCK))
    largest = blocks.abs().amax(-1)
    # The largest magnitude, 6, is 1.5 * 2^2. A block whose maximum rounds to more than 6 takes the next power of two:
    # clipping the largest weights costs more than the finer steps for the small ones gain.
    exponents = torch.ceil(torch.log2(largest.clamp_min(2.0**-100) / 7.0)).clamp(-_BIAS, 128)
    scaled = blocks * torch.exp2(-exponents)[..., None]
    bounds = torch.tensor(_BOUNDS, device=weights.device)
    return exponents, torch.bucketize(scaled.abs(), bounds), scaled < 0


def fake_quantise(weights: Tensor) -> Tensor:
    """The nearest MXFP4 values, float32 of the same shape; the gradient passes as if nothing had been done."""
    with torch.no_grad():
        exponents, magnitudes, negative = _split(weights)
        values = torch.tensor(VALUES, device=weights.device)[magnitudes]
        values = torch.where(negative, -values, values) * torch.exp2(exponents)[..., None]
        difference = values.flatten(-2) - weights
    return weights + difference


def pack(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Blocks uint8 [..., n/32, 16], the even item of a pair in the low half of a byte, and scales uint8 [..., n/32]."""
    exponents, magnitudes, negative = _split(weights)
    nibbles = (magnitudes + 8 * negative).to(torch.uint8)
    return nibbles[..., ::2] | (nibbles[..., 1::2] << 4), (exponents + _BIAS).to(torch.uint8)


def unpack(blocks: Tensor, scales: Tensor) -> Tensor:
    """float32 [..., n] from what `pack` gives."""
    nibbles = torch.stack((blocks & 15, blocks >> 4), -1).flatten(-2).long()
    values = torch.tensor([*VALUES, *(-value for value in VALUES)])[nibbles]
    return (values * torch.exp2(scales.float() - _BIAS)[..., None]).flatten(-2)
