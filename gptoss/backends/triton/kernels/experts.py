"""The experts of one token, or each of a few: two products with packed matrices, the clamped SwiGLU between them."""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait
from gptoss.backends.triton.kernels.product import INTERPRETED
from gptoss.backends.triton.kernels.router import choose, choose_all, load_scores
from gptoss.backends.triton.packing import multiply_words, place, scale_of


@triton.jit
def swiglu(gate, up, ALPHA: tl.constexpr, LIMIT: tl.constexpr):
    """The published clamped form: gate * sigmoid(alpha * gate) * (up + 1)."""
    gate = tl.minimum(gate, LIMIT)
    up = tl.minimum(tl.maximum(up, -LIMIT), LIMIT)
    return gate * sigmoid(ALPHA * gate) * (up + 1)


@triton.jit
def sigmoid(x):
    """With the card's own power and inverse, which are exact to some 22 bits: a quarter of the instructions that
    exponentials and divisions of every size take."""
    if INTERPRETED:
        result = 1 / (1 + tl.exp(-x))
    else:
        result = tl.inline_asm_elementwise(
            """
            {
            .reg .f32 y;
            mul.ftz.f32 y, $1, 0fBFB8AA3B;
            ex2.approx.ftz.f32 y, y;
            add.ftz.f32 y, y, 0f3F800000;
            rcp.approx.ftz.f32 $0, y;
            }
            """,
            "=f,f",
            [x],
            dtype=tl.float32,
            is_pure=True,
            pack=1,
        )
    return result


@triton.jit(do_not_specialize=["pairs"])
def expert_up(
    normed_ptr,
    scores_ptr,
    words_ptr,
    exponents_ptr,
    bias_ptr,
    inner_ptr,
    inverse,
    factor,
    pairs,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    RANKS: tl.constexpr,
    ALPHA: tl.constexpr,
    LIMIT: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: [inner * 2 / ROWS, per_token, tokens]. Rows alternate between gate and up.

    normed as `score_experts` writes it, pairs as int32, times 1 / inverse; words int32 [experts, 2 * inner, width / 8];
    exponents uint8 [experts, 2 * inner, 2 * pairs]; bias bf16 [experts, 2 * inner]; inner float16 [tokens, per_token,
    inner], times factor, in the order of `packing.places`.

    `pairs` of exponents are in a row: no constant, since what the compiler makes of rows that it knows to be multiples
    of four bytes takes a third longer in `expert_down`.
    """
    WORDS: tl.constexpr = WIDTH // 8
    rank = tl.program_id(1)
    token = tl.program_id(2)
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = tl.minimum(rows, 2 * INNER - 1)
    wait(DEPENDENT)
    expert = choose(
        load_scores(scores_ptr + token * EXPERTS, EXPERTS, EXPERTS_BLOCK), rank, RANKS, PER_TOKEN, EXPERTS_BLOCK
    )
    all_rows = expert.to(tl.int64) * (2 * INNER) + rows
    bias = tl.load(bias_ptr + all_rows).to(tl.float32)
    sums = tl.zeros([ROWS, BLOCK // 4], tl.float32)
    for start in tl.static_range(0, WORDS, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = (column < WORDS)[None, :]
        words = tl.load(words_ptr + all_rows[:, None] * WORDS + column[None, :], inside, 0)
        group = start // 4 + tl.arange(0, BLOCK // 4)
        exponents = tl.load(
            exponents_ptr + all_rows[:, None] * (2 * pairs) + group[None, :], (group < WORDS // 4)[None, :], 0
        )
        x_ptr = normed_ptr + token * (WIDTH // 2) + column[None, :]
        x0 = tl.load(x_ptr, inside, 0)
        x1 = tl.load(x_ptr + WORDS, inside, 0)
        x2 = tl.load(x_ptr + 2 * WORDS, inside, 0)
        x3 = tl.load(x_ptr + 3 * WORDS, inside, 0)
        products = multiply_words(words, x0, x1, x2, x3)
        sums += tl.sum(tl.reshape(products, [ROWS, BLOCK // 4, 4]), 2) * scale_of(exponents)
    gate, up = tl.split(tl.reshape(tl.sum(sums, 1) * inverse + bias, [ROWS // 2, 2]))
    unit = tl.program_id(0) * (ROWS // 2) + tl.arange(0, ROWS // 2)
    result = swiglu(gate, up, ALPHA, LIMIT) * factor
    target_ptr = inner_ptr + (token * PER_TOKEN + rank) * INNER
    tl.store(target_ptr + place(unit, INNER // 8), result.to(tl.float16), unit < INNER)


@triton.jit(do_not_specialize=["pairs"])
def expert_down(
    inner_ptr,
    scores_ptr,
    words_ptr,
    exponents_ptr,
    bias_ptr,
    hidden_ptr,
    inverse,
    pairs,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    RANKS: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    KEEP: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: [width / ROWS, tokens], each for all experts of a token; RANKS is per_token rounded up to a power of two.

    hidden float32 [tokens, width], in and out: of several ranks that are to be summed, one KEEPs what it was. inner as
    `expert_up` writes it, pairs as int32, times 1 / inverse; words int32 [experts, width, inner / 8]; exponents
    uint8 [experts, width, 2 * pairs]; bias bf16 [experts, width].
    """
    WORDS: tl.constexpr = INNER // 8
    token = tl.program_id(1)
    hidden_ptr += token * WIDTH
    inner_ptr += token * PER_TOKEN * (INNER // 2)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = tl.minimum(row, WIDTH - 1)
    # The scores are from two kernels ago, so the matrices can be on their way before the inputs are there.
    ranks = tl.arange(0, RANKS)
    experts, weights = choose_all(
        load_scores(scores_ptr + token * EXPERTS, EXPERTS, EXPERTS_BLOCK), RANKS, PER_TOKEN, EXPERTS_BLOCK
    )
    all_rows = experts.to(tl.int64)[None, :] * WIDTH + rows[:, None]
    bias = tl.load(bias_ptr + all_rows).to(tl.float32)
    sums = tl.zeros([ROWS, RANKS, BLOCK // 4], tl.float32)
    for start in tl.static_range(0, WORDS, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = (column < WORDS)[None, None, :]
        words = tl.load(words_ptr + all_rows[:, :, None] * WORDS + column[None, None, :], inside, 0)
        group = start // 4 + tl.arange(0, BLOCK // 4)
        exponents = tl.load(
            exponents_ptr + all_rows[:, :, None] * (2 * pairs) + group[None, None, :],
            (group < WORDS // 4)[None, None, :],
            0,
        )
        if start == 0:
            wait(DEPENDENT)
        x_ptr = inner_ptr + (ranks % PER_TOKEN)[:, None] * (INNER // 2) + column[None, :]
        there = (column < WORDS)[None, :]
        x0 = tl.load(x_ptr, there, 0)[None, :, :]
        x1 = tl.load(x_ptr + WORDS, there, 0)[None, :, :]
        x2 = tl.load(x_ptr + 2 * WORDS, there, 0)[None, :, :]
        x3 = tl.load(x_ptr + 3 * WORDS, there, 0)[None, :, :]
        products = multiply_words(words, x0, x1, x2, x3)
        sums += tl.sum(tl.reshape(products, [ROWS, RANKS, BLOCK // 4, 4]), 3) * scale_of(exponents)
    result = (tl.sum(sums, 2) * inverse + bias) * weights[None, :]
    total = tl.sum(result, 1)
    if KEEP:
        total += tl.load(hidden_ptr + rows)
    tl.store(hidden_ptr + row, total, row < WIDTH)
