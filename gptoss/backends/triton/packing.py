"""MXFP4 matrices as the kernels read them: the published bits, in another order within each word.

A weight is a sign, two exponent bits and one mantissa bit. Moved to bits 15 and 11 to 9 they are a float16 that is the
weight times 2**-14, subnormals included; its product with a float16 input is exact. So the multiplication of float16
pairs takes two weights at a time, if they can be brought there cheaply. The published order, four bits after four bits,
needs six operations a pair. Here each half of a word is laid out so that eleven operations are enough for four pairs:

    bit    15  14  13  12  11 10 9  8 7 6  5 4 3  2 1 0
    slot    0s  2s  3s  1s  0 0 0   1 1 1  2 2 2  3 3 3

Weight `2 * slot + half` of a word's eight is in that slot of the lower half or the upper one. A single vector that such
a matrix is multiplied by is kept slot by slot, so that what a thread multiplies with its words lies side by side:
`places` says where each element is.
"""

import torch
import triton
import triton.language as tl
from torch.nn.functional import pad

from gptoss.backends.triton.kernels.product import INTERPRETED

SLOTS = 4
"""Pairs of weights per word."""

LARGEST_EXPONENT = 240
"""Of the biased exponents that the format's scales are."""

SPAN = 30
"""A matrix's largest scale is kept as this exponent, 2**15 as a float16 has it. One that is 2**SPAN times smaller, or
smaller still, is kept as 0: beside the others it is nothing, and some kernels take it for just that."""

AT_ONCE = 4
"""Experts of a matrix that are brought into order together."""

_SIGNS = (15, 12, 14, 13)
_REST = (9, 6, 3, 0)


def pack(blocks: torch.Tensor) -> torch.Tensor:
    """uint8 [experts, rows, groups, 16] as published -> int32 [experts, rows, groups * 4]."""
    words = blocks.contiguous().view(torch.int32)
    packed = torch.zeros_like(words)
    # A few experts at a time: a card that has room for the weights has it for these, too.
    for some, into in zip(words.split(AT_ONCE), packed.split(AT_ONCE), strict=True):
        for slot in range(SLOTS):
            for half in range(2):
                value = some >> 4 * (2 * slot + half) & 15
                into |= (value >> 3) << _SIGNS[slot] + 16 * half | (value & 7) << _REST[slot] + 16 * half
    return packed.flatten(-2)


def relative(exponents: torch.Tensor, top: int) -> torch.Tensor:
    """Biased exponents (uint8 [..., groups]), of which `top` is the largest, as the kernels read them: uint8 [...,
    `padded(groups)`]."""
    kept = (exponents.to(torch.int16) + (SPAN - top)).clamp_(min=0).to(torch.uint8)
    return pad(kept, (0, padded(kept.shape[-1]) - kept.shape[-1]))


def padded(groups: int) -> int:
    """Exponents of a row with those that fill its last word: the tensor cores' kernels read four as an int32, since
    nothing smaller can be on its way while they compute."""
    return -(-groups // 4) * 4


def sum_factor(top: int) -> float:
    """What makes a sum of `multiply_words` times 2**exponent, of the exponents of `relative`, a result: weights are
    read as 2**-14 of what they are."""
    return 2.0 ** (top - SPAN - 127 + 14)


def places(width: int) -> torch.Tensor:
    """int64 [width]: element i of a single vector of `width` (a multiple of 32) is kept at places(width)[i]."""
    i = torch.arange(width)
    return (i % 8 // 2 * (width // 8) + i // 8) * 2 + i % 2


@triton.jit
def place(i, WORDS: tl.constexpr):
    """See `places`."""
    return (i % 8 // 2 * WORDS + i // 8) * 2 + i % 2


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
    return unpack_half(words >> (16 * HALF), SLOT)


@triton.jit
def unpack_half(halves, SLOT: tl.constexpr):
    """A slot's weight as float32, times 2**-14, from the lower 16 bits of int32."""
    SIGN: tl.constexpr = 15 if SLOT == 0 else (12 if SLOT == 1 else (14 if SLOT == 2 else 13))
    bits = (((halves >> SIGN) & 1) << 15) | (((halves >> (9 - 3 * SLOT)) & 7) << 9)
    return bits.to(tl.int16).to(tl.float16, bitcast=True).to(tl.float32)


@triton.jit
def _half(pairs, HALF: tl.constexpr):
    return ((pairs >> (16 * HALF)) & 65535).to(tl.int16).to(tl.float16, bitcast=True).to(tl.float32)


@triton.jit
def scale_of(exponents):
    """Exponents of `relative` as the float32 factors that complete a sum of `multiply_words`: see `sum_factor`."""
    return ((exponents.to(tl.int32) + 127) << 23).to(tl.float32, bitcast=True)


@triton.jit
def place_in_group(i):
    """Where column i of many tokens' inputs is kept, so that a thread finds in one word what the tensor cores want of
    it: slot by slot within each group of 32."""
    return i // 32 * 32 + i % 8 // 2 * 8 + i % 32 // 8 * 2 + i % 2
