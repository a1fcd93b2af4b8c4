"""Dense weights in 8 bits, for a CPU: the attention's projections and the unembedding, which every token reads whole.

32 weights of a row are multiples of one step (`native/int8.h`). What this changes is small and is not nothing, so it is
asked for, and `TorchGenerator.arithmetic` says it.
"""

import os

import torch

from gptoss.engine.errors import BackendError

VARIABLE = "GPTOSS_DENSE"
"""The environment variable that says how dense weights are kept: "int8", or "stored" as the files have them."""

INT8, STORED = "int8", "stored"
GROUP = 32
"""Weights with the same step."""

HIGH = 16
BRICK = GROUP * HIGH + 2 * HIGH
"""The rows of a brick of `native/int8.h`, and its bytes."""

_LEVELS = 127
_SMALLEST = 2.0**-126


def wanted(choice: str | None) -> bool:
    """Whether 8 bits are asked for, by name or by `VARIABLE`; BackendError if it names something else."""
    choice = choice or os.environ.get(VARIABLE) or STORED
    if choice not in (INT8, STORED):
        raise BackendError(f'dense weights cannot be kept as "{choice}": set {VARIABLE} to {INT8} or {STORED}')
    return choice == INT8


def size(out: int, inner: int) -> int:
    """The bytes of a matrix [out, inner]: 1.0625 a weight."""
    return -(-out // HIGH) * (inner // GROUP) * BRICK


def rounded(weight: torch.Tensor) -> torch.Tensor:
    """A matrix [out, inner] as its 8 bits mean it, float32; `inner` is a multiple of `GROUP`."""
    groups = weight.float().unflatten(1, (-1, GROUP))
    exact = groups.abs().amax(2, keepdim=True) / _LEVELS
    step = exact.bfloat16()
    step = torch.where(step.float() < exact, (step.view(torch.int16) + 1).view(torch.bfloat16), step).float()
    step = torch.where(step < _SMALLEST, 0.0, step)
    inverse = torch.where(step == 0, 0.0, 1 / step)
    result: torch.Tensor = ((groups * inverse).round_() * step).flatten(1)
    return result
