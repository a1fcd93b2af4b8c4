"""The experts of many tokens: each expert's matrix times the inputs of the tokens that chose it.

A choice is a token with one of its experts: number `token * per_token + rank`. `order` has the choices sorted by
expert, and is divided into tiles that have one expert each. Matrices stay packed; a tile's part is unpacked in
registers, on its way into the tensor cores.
"""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.experts import swiglu
from gptoss.backends.triton.kernels.product import INTERPRETED, product
from gptoss.backends.triton.packing import unpack_half

UNPACKING = tl.constexpr(
    (
        "and.b32 $0, $1, 0x8E008E00;",
        "shl.b32 $0, $1, 3; and.b32 $0, $0, 0x8E008E00;",
        "{ .reg .b32 a, b; shl.b32 a, $1, 6; shl.b32 b, $1, 1; and.b32 b, b, 0x80008000;"
        " lop3.b32 $0, a, 0x0E000E00, b, 0xEA; }",
        "{ .reg .b32 a, b; shl.b32 a, $1, 9; shl.b32 b, $1, 2; and.b32 b, b, 0x80008000;"
        " lop3.b32 $0, a, 0x0E000E00, b, 0xEA; }",
    )
)
"""For each slot of `packing`."""


@triton.jit
def unpack(halves, SLOT: tl.constexpr):
    """Of each half of a word (int16) the weight in one slot as float16, times 2**-14: both halves at a time."""
    if INTERPRETED:
        result = unpack_half(halves.to(tl.int32), SLOT).to(tl.float16)
    else:
        result = tl.inline_asm_elementwise(UNPACKING[SLOT], "=r,r", [halves], dtype=tl.float16, is_pure=True, pack=2)
    return result


@triton.jit
def multiply_tile(
    inputs_ptr,
    halves_ptr,
    exponents_ptr,
    rows,
    source,
    valid,
    top,
    COLUMNS: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """float32 [CHOICES, ROWS]: inputs (float16 [.., COLUMNS], rows `source`) times rows of a matrix (words as halves,
    int16), GROUPS groups of 32 weights of each row at a time.

    Scales are taken relative to the largest, whose exponent is `top`: weights are exact in float16 where theirs is
    within 2**24 of it, and nothing beside the others where not. The result is to be multiplied by 2**(top - 128).
    """
    HALVES: tl.constexpr = GROUPS * 8
    result = tl.zeros([CHOICES, ROWS], tl.float32)
    half = tl.arange(0, HALVES)
    group = tl.arange(0, GROUPS)
    column = tl.arange(0, GROUPS * 32)
    halves_ptr += rows[:, None] * (COLUMNS // 4) + half[None, :]
    exponents_ptr += rows[:, None] * (COLUMNS // 32) + group[None, :]
    inputs_ptr += source[:, None] * COLUMNS + column[None, :]
    for start in range(0, COLUMNS // 32, GROUPS):
        halves = tl.load(halves_ptr + start * 8, (half < COLUMNS // 4 - start * 8)[None, :], 0)
        exponents = tl.load(exponents_ptr + start, (group < COLUMNS // 32 - start)[None, :], 0)
        inputs = tl.load(inputs_ptr + start * 32, (column < COLUMNS - start * 32)[None, :] & valid[:, None], 0.0)
        scales = tl.exp2((exponents.to(tl.int32) - top + 15).to(tl.float32)).to(tl.float16)
        even = tl.join(_pairs(unpack(halves, 0), ROWS, HALVES), _pairs(unpack(halves, 2), ROWS, HALVES))
        odd = tl.join(_pairs(unpack(halves, 1), ROWS, HALVES), _pairs(unpack(halves, 3), ROWS, HALVES))
        weights = tl.join(even, odd)  # [ROWS, words, half, slot // 2, slot % 2]
        weights = tl.reshape(tl.permute(weights, [0, 1, 3, 4, 2]), [ROWS, GROUPS, 32]) * scales[:, :, None]
        result += product(inputs, tl.trans(tl.reshape(weights, [ROWS, GROUPS * 32])))
    return result


@triton.jit
def _pairs(values, ROWS: tl.constexpr, HALVES: tl.constexpr):
    return tl.reshape(values, [ROWS, HALVES // 2, 2])


@triton.jit
def find_tile(offsets_ptr, tile, EXPERTS: tl.constexpr, EXPERTS_BLOCK: tl.constexpr, CHOICES: tl.constexpr):
    """The expert of a tile, and where in `order` the tile and its expert's choices end: all 0 beyond the last tile.

    offsets int32 [experts + 1]: where in `order` each expert's choices begin.
    """
    experts = tl.arange(0, EXPERTS_BLOCK)
    inside = experts < EXPERTS
    begin = tl.load(offsets_ptr + experts, inside, 0)
    end = tl.load(offsets_ptr + experts + 1, inside, 0)
    tiles = tl.where(inside, (end - begin + CHOICES - 1) // CHOICES, 0)
    before = tl.cumsum(tiles, 0) - tiles
    mine = (tile >= before) & (tile < before + tiles)
    expert = tl.sum(tl.where(mine, experts, 0), 0)
    first = tl.sum(tl.where(mine, begin + (tile - before) * CHOICES, 0), 0)
    last = tl.sum(tl.where(mine, end, 0), 0)
    return expert, first, last


@triton.jit
def experts_up(
    inputs_ptr,
    order_ptr,
    offsets_ptr,
    halves_ptr,
    exponents_ptr,
    bias_ptr,
    inner_ptr,
    inverse,
    factor,
    top,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    ALPHA: tl.constexpr,
    LIMIT: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """Grid: [2 * inner / ROWS, tiles]. inputs float16 [T, width], times 1 / inverse;
    inner float16 [T * per_token, inner], times factor, in the order of the sorted choices."""
    expert, first, last = find_tile(offsets_ptr, tl.program_id(1), EXPERTS, EXPERTS_BLOCK, CHOICES)
    if first < last:
        sorted_choice = first + tl.arange(0, CHOICES)
        valid = sorted_choice < last
        token = tl.load(order_ptr + sorted_choice, valid, 0) // PER_TOKEN
        row = tl.minimum(tl.program_id(0) * ROWS + tl.arange(0, ROWS), 2 * INNER - 1)
        rows = expert.to(tl.int64) * (2 * INNER) + row
        result = multiply_tile(
            inputs_ptr, halves_ptr, exponents_ptr, rows, token.to(tl.int64), valid, top, WIDTH, ROWS, CHOICES, GROUPS
        )
        result = result * inverse + tl.load(bias_ptr + rows).to(tl.float32)[None, :]
        gate, up = tl.split(tl.reshape(result, [CHOICES, ROWS // 2, 2]))
        inner = swiglu(gate, up, ALPHA, LIMIT) * factor
        unit = tl.program_id(0) * (ROWS // 2) + tl.arange(0, ROWS // 2)
        target = sorted_choice.to(tl.int64)[:, None] * INNER + unit[None, :]
        tl.store(inner_ptr + target, inner.to(tl.float16), (unit < INNER)[None, :] & valid[:, None])


@triton.jit
def experts_down(
    inner_ptr,
    order_ptr,
    offsets_ptr,
    weights_ptr,
    halves_ptr,
    exponents_ptr,
    bias_ptr,
    parts_ptr,
    inverse,
    top,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """Grid: [width / ROWS, tiles]. weights float32 [T * per_token]; parts float32 [T * per_token, width], by choice."""
    expert, first, last = find_tile(offsets_ptr, tl.program_id(1), EXPERTS, EXPERTS_BLOCK, CHOICES)
    if first < last:
        sorted_choice = first + tl.arange(0, CHOICES)
        valid = sorted_choice < last
        choice = tl.load(order_ptr + sorted_choice, valid, 0)
        row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
        rows = expert.to(tl.int64) * WIDTH + tl.minimum(row, WIDTH - 1)
        source = sorted_choice.to(tl.int64)
        result = multiply_tile(
            inner_ptr, halves_ptr, exponents_ptr, rows, source, valid, top, INNER, ROWS, CHOICES, GROUPS
        )
        weight = tl.load(weights_ptr + choice, valid, 0.0)
        result = (result * inverse + tl.load(bias_ptr + rows).to(tl.float32)[None, :]) * weight[:, None]
        target = choice.to(tl.int64)[:, None] * WIDTH + row[None, :]
        tl.store(parts_ptr + target, result, (row < WIDTH)[None, :] & valid[:, None])
