"""The experts of many tokens: each expert's matrix times the inputs of the tokens that chose it.

Inputs lie in the order of the choices by expert (see `routing`), which is divided into tiles that have one expert each;
the last tile of an expert may be a half or a quarter as large. Matrices stay packed. What a thread unpacks are the
elements that the tensor cores take from its registers, since inputs are kept in an order that makes it so
(`packing.place_in_group`).
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
    inputs,
    halves_ptr,
    exponents_ptr,
    first,
    rows,
    COLUMNS: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """float32 [ROWS, CHOICES]: rows of a matrix (words as halves, int16; exponents four at a time, int32) times inputs
    (a descriptor of float16 [choices, COLUMNS], blocks [CHOICES, GROUPS * 32]) from `first` on, GROUPS groups of 32
    weights of each row at a time. The result is to be multiplied by 2**15 and `Packed.factor`.

    The compiler puts what it loads right where the tensor cores want it only as long as nothing but loads and cheap
    elementwise arithmetic comes before: so exponents are kept such that a shift makes them float16.
    """
    HALVES: tl.constexpr = GROUPS * 8
    result = tl.zeros([ROWS, CHOICES], tl.float32)
    half = tl.arange(0, HALVES)
    halves_ptr += rows[:, None] * (COLUMNS // 4) + half[None, :]
    exponents_ptr += rows * tl.cdiv(COLUMNS // 32, 4)
    for start in range(0, COLUMNS // 32, GROUPS):
        halves = tl.load(halves_ptr + start * 8, (half < COLUMNS // 4 - start * 8)[None, :], 0)
        if GROUPS == 4:
            four = tl.load(exponents_ptr + start // 4)
            exponents = tl.reshape(tl.join(tl.join(four, four >> 16), tl.join(four >> 8, four >> 24)), [ROWS, 4])
        else:
            # Not one load and a shift that the loop chooses: that would send the weights through shared memory.
            low = tl.load(exponents_ptr + start // 4, start % 4 == 0, 0)
            high = tl.load(exponents_ptr + start // 4, start % 4 > 0, 0)
            two = low | (high >> 16)
            exponents = tl.join(two, two >> 8)
        even = tl.join(unpack(halves, 0), unpack(halves, 2))
        odd = tl.join(unpack(halves, 1), unpack(halves, 3))
        weights = tl.reshape(tl.join(even, odd), [ROWS, GROUPS, 8, 2, 2])  # [ROWS, group, half, slot // 2, slot % 2]
        weights = tl.reshape(tl.permute(weights, [0, 1, 3, 4, 2]), [ROWS, GROUPS * 32])
        exponents = ((exponents & 31) << 10).to(tl.int16)
        scales = tl.reshape(tl.broadcast_to(exponents[:, :, None], [ROWS, GROUPS, 32]), [ROWS, GROUPS * 32])
        result += product(weights * scales.to(tl.float16, bitcast=True), tl.trans(inputs.load([first, start * 32])))
    return result


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
def up_tile(
    inputs,
    halves_ptr,
    exponents_ptr,
    bias_ptr,
    inner_ptr,
    factor,
    inner_factor,
    expert,
    first,
    last,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    ALPHA: tl.constexpr,
    LIMIT: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """See `experts_up`."""
    start = tl.program_id(0) * ROWS
    rows = expert.to(tl.int64) * (2 * INNER) + tl.minimum(start + tl.arange(0, ROWS), 2 * INNER - 1)
    result = multiply_tile(inputs, halves_ptr, exponents_ptr, first, rows, WIDTH, ROWS, CHOICES, GROUPS)
    result = tl.trans(result) * factor + tl.load(bias_ptr + rows).to(tl.float32)[None, :]
    gate, up = tl.split(tl.reshape(result, [CHOICES, ROWS // 2, 2]))
    inner = (swiglu(gate, up, ALPHA, LIMIT) * inner_factor).to(tl.float16)
    # In the order of `place_in_group`.
    inner = tl.permute(tl.reshape(inner, [CHOICES, ROWS // 64, 4, 4, 2]), [0, 1, 3, 2, 4])
    choice = first + tl.arange(0, CHOICES)
    unit = start // 2 + tl.arange(0, ROWS // 2)
    target = choice.to(tl.int64)[:, None] * INNER + unit[None, :]
    there = (unit < INNER)[None, :] & (choice < last)[:, None]
    tl.store(inner_ptr + target, tl.reshape(inner, [CHOICES, ROWS // 2]), there)


@triton.jit
def experts_up(
    inputs,
    half_inputs,
    quarter_inputs,
    offsets_ptr,
    halves_ptr,
    exponents_ptr,
    bias_ptr,
    inner_ptr,
    factor,
    inner_factor,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    ALPHA: tl.constexpr,
    LIMIT: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """Grid: [2 * inner / ROWS, tiles]. inputs: descriptors of float16 [choices, width], of blocks of CHOICES, a half
    and a quarter of them; sums are multiplied by factor. inner float16 [choices, inner], times inner_factor. Both are
    in the order of the sorted choices, and their columns in that of `place_in_group`."""
    expert, first, last = find_tile(offsets_ptr, tl.program_id(1), EXPERTS, EXPERTS_BLOCK, CHOICES)
    if last - first > CHOICES // 2:
        up_tile(
            inputs, halves_ptr, exponents_ptr, bias_ptr, inner_ptr, factor, inner_factor, expert, first, last,
            WIDTH, INNER, ALPHA, LIMIT, ROWS, CHOICES, GROUPS,
        )  # fmt: skip
    elif last - first > CHOICES // 4:
        up_tile(
            half_inputs, halves_ptr, exponents_ptr, bias_ptr, inner_ptr, factor, inner_factor, expert, first, last,
            WIDTH, INNER, ALPHA, LIMIT, ROWS, CHOICES // 2, GROUPS,
        )  # fmt: skip
    elif first < last:
        up_tile(
            quarter_inputs, halves_ptr, exponents_ptr, bias_ptr, inner_ptr, factor, inner_factor, expert, first, last,
            WIDTH, INNER, ALPHA, LIMIT, ROWS, CHOICES // 4, GROUPS,
        )  # fmt: skip


@triton.jit
def down_tile(
    inner,
    halves_ptr,
    exponents_ptr,
    bias_ptr,
    parts_ptr,
    factor,
    expert,
    first,
    last,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """See `experts_down`."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = expert.to(tl.int64) * WIDTH + tl.minimum(row, WIDTH - 1)
    result = multiply_tile(inner, halves_ptr, exponents_ptr, first, rows, INNER, ROWS, CHOICES, GROUPS)
    result = tl.trans(result) * factor + tl.load(bias_ptr + rows).to(tl.float32)[None, :]
    choice = first + tl.arange(0, CHOICES)
    target = choice.to(tl.int64)[:, None] * WIDTH + row[None, :]
    tl.store(parts_ptr + target, result.to(tl.bfloat16), (row < WIDTH)[None, :] & (choice < last)[:, None])


@triton.jit
def experts_down(
    inner,
    half_inner,
    quarter_inner,
    offsets_ptr,
    halves_ptr,
    exponents_ptr,
    bias_ptr,
    parts_ptr,
    factor,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
    CHOICES: tl.constexpr,
    GROUPS: tl.constexpr,
):
    """Grid: [width / ROWS, tiles]. inner: descriptors as in `experts_up`, of float16 [choices, inner]; parts bf16
    [choices, width], in the order of the sorted choices."""
    expert, first, last = find_tile(offsets_ptr, tl.program_id(1), EXPERTS, EXPERTS_BLOCK, CHOICES)
    if last - first > CHOICES // 2:
        down_tile(
            inner, halves_ptr, exponents_ptr, bias_ptr, parts_ptr, factor, expert, first, last,
            WIDTH, INNER, ROWS, CHOICES, GROUPS,
        )  # fmt: skip
    elif last - first > CHOICES // 4:
        down_tile(
            half_inner, halves_ptr, exponents_ptr, bias_ptr, parts_ptr, factor, expert, first, last,
            WIDTH, INNER, ROWS, CHOICES // 2, GROUPS,
        )  # fmt: skip
    elif first < last:
        down_tile(
            quarter_inner, halves_ptr, exponents_ptr, bias_ptr, parts_ptr, factor, expert, first, last,
            WIDTH, INNER, ROWS, CHOICES // 4, GROUPS,
        )  # fmt: skip
