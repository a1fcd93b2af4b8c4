"""MXFP4 matrices as the kernels read them: the published bits in another order.

A weight is a sign, two exponent bits and one mantissa bit. Moved to bits 15 and 11 to 9 they are a float16 that is the
weight times 2**-14, subnormals included; its product with a float16 input is exact. So the tensor cores' little cousin,
the multiplication of float16 pairs, takes two weights at a time, if they can be brought there cheaply. The published
order, four bits after four bits, needs six operations a pair. Here each half of a word is laid out so that eleven
operations are enough for four pairs:

    bit    15  14  13  12  11 10 9  8 7 6  5 4 3  2 1 0
    slot    0s  2s  3s  1s  0 0 0   1 1 1  2 2 2  3 3 3

Word r of a group of 32 weights has weight 8 * slot + 2 * r + half. Inputs are kept in an order in which what a thread
multiplies with its words lies side by side: `places` for single vectors, `planes` for many.
"""

import torch
import triton
import triton.language as tl

from gptoss.backends.triton.kernels.product import INTERPRETED

SLOTS = 4
"""Pairs of weights per word."""

WEIGHT_EXPONENT = 14
"""Weights are read as 2**-14 of what they are; the exponents that are the format's scales make up for it."""

LARGEST_EXPONENT = 254 - WEIGHT_EXPONENT
"""Of the biased exponents that are stored."""

_SIGNS = (15, 12, 14, 13)
_REST = (9, 6, 3, 0)


def pack(blocks: torch.Tensor) -> torch.Tensor:
    """uint8 [..., groups, 16] as published -> int32 [..., groups * 4]."""
    words = blocks.contiguous().view(torch.int32)  # [..., groups, 4]: word q has the weights 8 * q to 8 * q + 7
    packed = torch.zeros_like(words)
    for r in range(4):
        for slot in range(SLOTS):
            for half in range(2):
                value = words[..., slot] >> 4 * (2 * r + half) & 15
                packed[..., r] |= (value >> 3) << _SIGNS[slot] + 16 * half | (value & 7) << _REST[slot] + 16 * half
    return packed.flatten(-2)


def places(width: int) -> torch.Tensor:
    """int64 [width]: element i of a single vector of `width` (a multiple of 32) is kept at places(width)[i]."""
    i = torch.arange(width)
    return (i % 32 // 8 * (width // 8) + i // 32 * 4 + i % 8 // 2) * 2 + i % 2


def planes(width: int) -> torch.Tensor:
    """int64 [width]: the same for the rows of a matrix of inputs, where the halves of pairs lie apart."""
    i = torch.arange(width)
    return (i % 32 // 8 * 2 + i % 2) * (width // 8) + i // 32 * 4 + i % 8 // 2


@triton.jit
def place(i, WORDS: tl.constexpr):
    """See `places`."""
    return (i % 32 // 8 * WORDS + i // 32 * 4 + i % 8 // 2) * 2 + i % 2


@triton.jit
def plane(i, WORDS: tl.constexpr):
    """See `planes`."""
    return (i % 32 // 8 * 2 + i % 2) * WORDS + i // 32 * 4 + i % 8 // 2


@triton.jit
def multiply_words(words, x0, x1, x2, x3):
    """float32: the sum of a word's eight weights, times 2**-14, with eight float16 inputs, a pair a slot (int32).

    Four products are added in float16: less is lost than by rounding the inputs to bf16.
    """
    if INTERPRETED:
        total = _one(words, 0, 0) * _half(x0, 0) + _one(words, 0, 1) * _half(x0, 1)
        total += _one(words, 1, 0) * _half(x1, 0) + _one(words, 1, 1) * _half(x1, 1)
        total += _one(words, 2, 0) * _half(x2, 0) + _one(words, 2, 1) * _half(x2, 1)
        total += _one(words, 3, 0) * _half(x3, 0) + _one(words, 3, 1) * _half(x3, 1)
    else:
        total = tl.inline_asm_elementwise(
            """
            {
            .reg .b32 a, b, c, d, e, f;
            .reg .b16 low, high;
            .reg .f32 x, y;
            and.b32 a, $1, 0x8E008E00;
            shl.b32 b, $1, 3;
            and.b32 b, b, 0x8E008E00;
            shl.b32 c, $1, 6;
            shl.b32 d, $1, 1;
            and.b32 d, d, 0x80008000;
            lop3.b32 c, c, 0x0E000E00, d, 0xEA;
            shl.b32 e, $1, 9;
            shl.b32 f, $1, 2;
            and.b32 f, f, 0x80008000;
            lop3.b32 e, e, 0x0E000E00, f, 0xEA;
            mul.rn.f16x2 a, a, $2;
            fma.rn.f16x2 a, b, $3, a;
            fma.rn.f16x2 a, c, $4, a;
            fma.rn.f16x2 a, e, $5, a;
            mov.b32 {low, high}, a;
            cvt.f32.f16 x, low;
            cvt.f32.f16 y, high;
            add.f32 $0, x, y;
            }
            """,
            "=f,r,r,r,r,r",
            [words, x0, x1, x2, x3],
            dtype=tl.float32,
            is_pure=True,
            pack=1,
        )
    return total


@triton.jit
def _one(words, SLOT: tl.constexpr, HALF: tl.constexpr):
    """A slot's weight as float32, times 2**-14."""
    SIGN: tl.constexpr = 15 if SLOT == 0 else (12 if SLOT == 1 else (14 if SLOT == 2 else 13))
    bits = (((words >> (SIGN + 16 * HALF)) & 1) << 15) | (((words >> (9 - 3 * SLOT + 16 * HALF)) & 7) << 9)
    return bits.to(tl.int16).to(tl.float16, bitcast=True).to(tl.float32)


@triton.jit
def _half(pairs, HALF: tl.constexpr):
    return ((pairs >> (16 * HALF)) & 65535).to(tl.int16).to(tl.float16, bitcast=True).to(tl.float32)


@triton.jit
def scale_of(exponents):
    """Biased exponents (uint8) as the float32 factors that complete a sum of `multiply_words`."""
    return ((exponents.to(tl.int32) + 14) << 23).to(tl.float32, bitcast=True)
