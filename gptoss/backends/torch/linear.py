"""Matrix products with fixed weights. Activations are float32 going in and coming out, whatever the weights are."""

from collections.abc import Callable

import torch
from torch.nn import functional as F

Linear = Callable[[torch.Tensor], torch.Tensor]
"""float32 [rows, in] -> float32 [rows, out]."""

_LARGE = 1 << 14
"""Weights from which on packing pays; for fewer, calling the packed kernel takes longer than a product in float32."""


class DenseLinear:
    """The product in the weights' own type."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.weight = weight
        self.bias = None if bias is None else bias.to(weight.dtype)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x.to(self.weight.dtype), self.weight, self.bias).float()


class HalfLinear:
    """Weights packed as float16, products accumulated in float32: PyTorch's FBGEMM kernels for x86.

    On processors without bfloat16 instructions this is several times faster than a bfloat16 product, and more exact:
    float16 holds a bfloat16 weight between 2**-17 and 65504 without loss, and moves a smaller one by 2**-25 at most.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.packed = torch.ops.quantized.linear_prepack_fp16(weight.float(), None if bias is None else bias.float())

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(x, self.packed)
        return product

    @staticmethod
    def is_available() -> bool:
        return torch.backends.quantized.engine in ("x86", "fbgemm")

    @staticmethod
    def suits(weight: torch.Tensor) -> bool:
        """Whether float16 has the range for these weights."""
        low, high = torch.aminmax(weight)
        return 2**-10 <= max(-low.item(), high.item()) < 2**15


def linear(weight: torch.Tensor, bias: torch.Tensor | None) -> Linear:
    """The fastest product for these weights on their device that is at least as exact as one in their type."""
    if weight.device.type == "cpu" and weight.dtype != torch.float32 and HalfLinear.is_available():
        if weight.numel() >= _LARGE and HalfLinear.suits(weight):
            return HalfLinear(weight, bias)
        return DenseLinear(weight.float(), bias)
    return DenseLinear(weight, bias)
