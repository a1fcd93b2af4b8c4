"""The attention's output projection, added to the hidden state."""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait


@triton.jit
def project_out(
    mixed_ptr,
    weight_ptr,
    bias_ptr,
    hidden_ptr,
    WIDTH: tl.constexpr,
    INNER: tl.constexpr,
    ROWS: tl.constexpr,
    AHEAD: tl.constexpr,
    BLOCK: tl.constexpr,
    KEEP: tl.constexpr,
    TOKENS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: width / ROWS. mixed bf16 [TOKENS, inner]; weight bf16 [width, inner]; hidden float32 [TOKENS, width], in
    and out: of several ranks that are to be summed, one KEEPs what it was."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    rows = tl.minimum(row, WIDTH - 1)
    columns = tl.arange(0, BLOCK)
    row_ptr = weight_ptr + rows.to(tl.int64)[:, None] * INNER + columns[None, :]
    bias = tl.load(bias_ptr + rows).to(tl.float32)
    ahead = tl.arange(0, AHEAD)
    weight = tl.load(weight_ptr + rows.to(tl.int64)[:, None] * INNER + ahead[None, :])
    wait(DEPENDENT)
    result, sums = (), ()
    for t in tl.static_range(TOKENS):
        x = tl.load(mixed_ptr + t * INNER + ahead).to(tl.float32)
        result += (tl.sum(weight.to(tl.float32) * x[None, :], 1) + bias,)
        sums += (tl.zeros([ROWS, BLOCK], tl.float32),)
    for k in tl.static_range(AHEAD, INNER, BLOCK):
        inside = columns < INNER - k
        rest = tl.load(row_ptr + k, inside[None, :], 0.0).to(tl.float32)
        before = sums
        sums = ()
        for t in tl.static_range(TOKENS):
            x = tl.load(mixed_ptr + t * INNER + k + columns, inside, 0.0).to(tl.float32)
            sums += (tl.fma(rest, x[None, :], before[t]),)
    for t in tl.static_range(TOKENS):
        total = result[t]
        if AHEAD < INNER:
            total += tl.sum(sums[t], 1)
        if KEEP:
            total += tl.load(hidden_ptr + t * WIDTH + rows)
        tl.store(hidden_ptr + t * WIDTH + row, total, row < WIDTH)
