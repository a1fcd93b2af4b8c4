"""Norm, query, key and value projection, rotary positions, and the write into the cache: of one token or a few.

The numbers of a token are the same whatever comes with it.
"""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait


@triton.jit
def project_qkv(
    hidden_ptr,
    norm_ptr,
    weight_ptr,
    bias_ptr,
    rope_ptr,
    position_ptr,
    queries_ptr,
    keys_ptr,
    values_ptr,
    capacity,
    WIDTH: tl.constexpr,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    EPS: tl.constexpr,
    PAIRS: tl.constexpr,
    AHEAD: tl.constexpr,
    BLOCK: tl.constexpr,
    TOKENS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: (heads + 2 * kv_heads) * (head_dim / 2 / PAIRS), each for PAIRS pairs of rows that turn together; the
    first AHEAD columns are read at once, the others BLOCK at a time.

    hidden float32 [TOKENS, width], of the tokens at `position` and after it; weight bf16 [rows, width]; rope float32
    [positions, 2, head_dim / 2], cosines before sines; queries bf16 [TOKENS, heads, head_dim], scaled for the softmax;
    keys, values bf16 [kv_heads, capacity, head_dim].
    """
    HALF: tl.constexpr = HEAD_DIM // 2
    program = tl.program_id(0)
    head = program // (HALF // PAIRS)
    dim = program % (HALF // PAIRS) * PAIRS + tl.arange(0, PAIRS)
    row = head * HEAD_DIM + dim
    columns = tl.arange(0, BLOCK)
    first_ptr = weight_ptr + row.to(tl.int64)[:, None] * WIDTH + columns[None, :]
    second_ptr = first_ptr + HALF * WIDTH
    bias_first = tl.load(bias_ptr + row).to(tl.float32)
    bias_second = tl.load(bias_ptr + row + HALF).to(tl.float32)
    # Most of the weights are on their way before the hidden state is there.
    ahead = tl.arange(0, AHEAD)
    ahead_ptr = weight_ptr + row.to(tl.int64)[:, None] * WIDTH + ahead[None, :]
    first_ahead = tl.load(ahead_ptr)
    second_ahead = tl.load(ahead_ptr + HALF * WIDTH)
    norm_ahead = tl.load(norm_ptr + ahead)
    wait(DEPENDENT)
    one, two, squares = (), (), ()
    for t in tl.static_range(TOKENS):
        x = tl.load(hidden_ptr + t * WIDTH + ahead)
        squares += (tl.sum(x * x, 0),)
        x = x * norm_ahead
        one += (tl.sum(first_ahead.to(tl.float32) * x[None, :], 1),)
        two += (tl.sum(second_ahead.to(tl.float32) * x[None, :], 1),)
    if AHEAD < WIDTH:
        first, second, more = (), (), ()
        for _ in tl.static_range(TOKENS):
            first += (tl.zeros([PAIRS, BLOCK], tl.float32),)
            second += (tl.zeros([PAIRS, BLOCK], tl.float32),)
            more += (tl.zeros([BLOCK], tl.float32),)
        for k in tl.static_range(AHEAD, WIDTH, BLOCK):
            inside = columns < WIDTH - k
            norm = tl.load(norm_ptr + k + columns, inside, 0.0)
            first_weight = tl.load(first_ptr + k, inside[None, :], 0.0).to(tl.float32)
            second_weight = tl.load(second_ptr + k, inside[None, :], 0.0).to(tl.float32)
            first_sums, second_sums, more_sums = first, second, more
            first, second, more = (), (), ()
            for t in tl.static_range(TOKENS):
                x = tl.load(hidden_ptr + t * WIDTH + k + columns, inside, 0.0)
                more += (tl.fma(x, x, more_sums[t]),)
                x = x * norm
                first += (tl.fma(first_weight, x[None, :], first_sums[t]),)
                second += (tl.fma(second_weight, x[None, :], second_sums[t]),)
    for t in tl.static_range(TOKENS):
        all_squares, turned, other = squares[t], one[t], two[t]
        if AHEAD < WIDTH:
            all_squares += tl.sum(more[t], 0)
            turned += tl.sum(first[t], 1)
            other += tl.sum(second[t], 1)
        inverse = tl.rsqrt(all_squares / WIDTH + EPS)
        _store(
            turned * inverse + bias_first, other * inverse + bias_second, head, dim, tl.load(position_ptr) + t,
            rope_ptr, queries_ptr + t * HEADS * HEAD_DIM, keys_ptr, values_ptr, capacity,
            HEADS=HEADS, KV_HEADS=KV_HEADS, HEAD_DIM=HEAD_DIM,
        )  # fmt: skip


@triton.jit
def _store(
    one,
    two,
    head,
    dim,
    position,
    rope_ptr,
    queries_ptr,
    keys_ptr,
    values_ptr,
    capacity,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    HEAD_DIM: tl.constexpr,
):
    """Turn pairs of rows of a token to its position, and store them where they belong."""
    HALF: tl.constexpr = HEAD_DIM // 2
    if head < HEADS + KV_HEADS:
        turn_ptr = rope_ptr + position * HEAD_DIM + dim
        cosine = tl.load(turn_ptr)
        sine = tl.load(turn_ptr + HALF)
        # Said outright which product is rounded, or the compiler may choose another for another number of tokens.
        turned = tl.fma(one, cosine, -(two * sine))
        two = tl.fma(two, cosine, one * sine)
        one = turned
    if head < HEADS:
        scale = HEAD_DIM**-0.5
        query_ptr = queries_ptr + head * HEAD_DIM + dim
        tl.store(query_ptr, (one * scale).to(tl.bfloat16))
        tl.store(query_ptr + HALF, (two * scale).to(tl.bfloat16))
    else:
        kv_head = (head - HEADS) % KV_HEADS
        target_ptr = keys_ptr if head < HEADS + KV_HEADS else values_ptr
        target_ptr += (kv_head.to(tl.int64) * capacity + position) * HEAD_DIM + dim
        tl.store(target_ptr, one.to(tl.bfloat16))
        tl.store(target_ptr + HALF, two.to(tl.bfloat16))
