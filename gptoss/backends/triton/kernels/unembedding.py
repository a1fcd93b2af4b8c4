"""The last norm and the product with the vocabulary."""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait


@triton.jit
def unembed(
    hidden_ptr,
    norm_ptr,
    weight_ptr,
    logits_ptr,
    rows_all,
    WIDTH: tl.constexpr,
    EPS: tl.constexpr,
    ROWS: tl.constexpr,
    BLOCK: tl.constexpr,
    TOKENS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: rows_all / ROWS. hidden float32 [TOKENS, width]; weight bf16 [rows_all, width]; logits float32 [TOKENS,
    rows_all]."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = tl.minimum(row, rows_all - 1)
    columns = tl.arange(0, BLOCK)
    row_ptr = weight_ptr + rows.to(tl.int64)[:, None] * WIDTH + columns[None, :]
    sums, squares = (), ()
    for _ in tl.static_range(TOKENS):
        sums += (tl.zeros([ROWS, BLOCK], tl.float32),)
        squares += (tl.zeros([BLOCK], tl.float32),)
    wait(DEPENDENT)
    if TOKENS == 1:
        for k in tl.static_range(0, WIDTH, BLOCK):
            sums, squares = _more(sums, squares, k, hidden_ptr, norm_ptr, row_ptr, WIDTH, BLOCK, TOKENS)
    else:  # so much unrolled would not fit the registers
        for k in range(0, WIDTH, BLOCK):
            sums, squares = _more(sums, squares, k, hidden_ptr, norm_ptr, row_ptr, WIDTH, BLOCK, TOKENS)
    for t in tl.static_range(TOKENS):
        inverse = tl.rsqrt(tl.sum(squares[t], 0) / WIDTH + EPS)
        tl.store(logits_ptr + t * rows_all + row, tl.sum(sums[t], 1) * inverse, row < rows_all)


@triton.jit
def _more(
    sums_before,
    squares_before,
    k,
    hidden_ptr,
    norm_ptr,
    row_ptr,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    TOKENS: tl.constexpr,
):
    """The sums with BLOCK more columns, from k on."""
    columns = tl.arange(0, BLOCK)
    inside = columns < WIDTH - k
    norm = tl.load(norm_ptr + k + columns, inside, 0.0)
    weight = tl.load(row_ptr + k, inside[None, :], 0.0).to(tl.float32)
    sums, squares = (), ()
    for t in tl.static_range(TOKENS):
        x = tl.load(hidden_ptr + t * WIDTH + k + columns, inside, 0.0)
        squares += (tl.fma(x, x, squares_before[t]),)
        sums += (tl.fma(weight, (x * norm)[None, :], sums_before[t]),)
    return sums, squares
