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
    DEPENDENT: tl.constexpr,
):
    """Grid: rows_all / ROWS. hidden float32 [width]; weight bf16 [rows_all, width]; logits float32 [rows_all]."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = tl.minimum(row, rows_all - 1)
    columns = tl.arange(0, BLOCK)
    row_ptr = weight_ptr + rows.to(tl.int64)[:, None] * WIDTH + columns[None, :]
    sums = tl.zeros([ROWS, BLOCK], tl.float32)
    squares = tl.zeros([BLOCK], tl.float32)
    wait(DEPENDENT)
    for k in tl.static_range(0, WIDTH, BLOCK):
        inside = columns < WIDTH - k
        x = tl.load(hidden_ptr + k + columns, inside, 0.0)
        squares += x * x
        x = x * tl.load(norm_ptr + k + columns, inside, 0.0)
        sums += tl.load(row_ptr + k, inside[None, :], 0.0).to(tl.float32) * x[None, :]
    inverse = tl.rsqrt(tl.sum(squares, 0) / WIDTH + EPS)
    tl.store(logits_ptr + row, tl.sum(sums, 1) * inverse, row < rows_all)
