"""Matrix products with fixed weights. Activations are float32 going in and coming out, whatever the weights are."""

import warnings
from collections.abc import Callable

import torch
from torch.nn import functional as F

from gptoss.backends.torch.threads import on_threads

Linear = Callable[[torch.Tensor], torch.Tensor]
"""float32 [rows, in] -> float32 [rows, out]."""

STEADY_ROWS = 24
"""So many rows, and multiples of them, are treated alike by every kernel met so far."""

_WORTH_SHARING = 1 << 21
"""Weights (4 MB of them) from which on a product is spread over all threads."""


class DenseLinear:
    """The product in the weights' own type.

    In float32 on a CPU, BLAS libraries treat a few rows otherwise than many, each matrix in another way, and divide a
    product between threads in ways that change its last bits. So there it has whole dozens of rows, on one thread. That
    is slow; weights that are published in bfloat16 rarely need it.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.weight = weight
        self.bias = None if bias is None else bias.to(weight.dtype)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        if self.weight.dtype != torch.float32 or self.weight.device.type != "cpu":
            return F.linear(x.to(self.weight.dtype), self.weight, self.bias).float()
        count = len(x)
        more = -count % STEADY_ROWS
        with on_threads(1):
            return F.linear(torch.cat((x, x[-1:].expand(more, -1))), self.weight, self.bias)[:count]


class HalfLinear:
    """Weights packed as float16, products accumulated in float32, on all threads: PyTorch's FBGEMM kernels for x86.

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


class SmallHalfLinear:
    """The same kernels, bit for bit, on one thread, through an operator that takes 3 us to call instead of 20.

    PyTorch has deprecated it without naming another; where it is gone, `HalfLinear` takes its place.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        self.bias = weight.new_zeros(len(weight), dtype=torch.float32) if bias is None else bias.float()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.packed = torch.fbgemm_pack_gemm_matrix_fp16(weight.float())
            self(self.bias.new_zeros(1, weight.shape[1]))  # the first call warns

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fbgemm_linear_fp16_weight_fp32_activation(x, self.packed, self.bias)

    @staticmethod
    def is_available() -> bool:
        return HalfLinear.is_available() and hasattr(torch, "fbgemm_linear_fp16_weight_fp32_activation")


def linear(weight: torch.Tensor, bias: torch.Tensor | None) -> Linear:
    """The fastest product for these weights on their device that is at least as exact as one in their type."""
    if weight.device.type != "cpu" or weight.dtype == torch.float32 or not HalfLinear.is_available():
        return DenseLinear(weight, bias)
    if not HalfLinear.suits(weight):
        return DenseLinear(weight.float(), bias)
    if weight.numel() < _WORTH_SHARING and SmallHalfLinear.is_available():
        return SmallHalfLinear(weight, bias)
    return HalfLinear(weight, bias)
