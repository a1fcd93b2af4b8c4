"""Norm, query, key and value projection, rotary positions, and the write into the cache."""

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
    DEPENDENT: tl.constexpr,
):
    """Grid: (heads + 2 * kv_heads) * (head_dim / 2 / PAIRS), each for PAIRS pairs of rows that turn together; the
    first AHEAD columns are read at once, the others BLOCK at a time.

    hidden float32 [width]; weight bf16 [rows, width]; rope float32 [positions, 2, head_dim / 2], cosines before sines;
    queries bf16 [heads, head_dim], scaled for the softmax; keys, values bf16 [kv_heads, capacity, head_dim].
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
    x = tl.load(hidden_ptr + ahead)
    squares = tl.sum(x * x, 0)
    x = x * norm_ahead
    one = tl.sum(first_ahead.to(tl.float32) * x[None, :], 1)
    two = tl.sum(second_ahead.to(tl.float32) * x[None, :], 1)
    if AHEAD < WIDTH:
        first = tl.zeros([PAIRS, BLOCK], tl.float32)
        second = tl.zeros([PAIRS, BLOCK], tl.float32)
        more = tl.zeros([BLOCK], tl.float32)
        for k in tl.static_range(AHEAD, WIDTH, BLOCK):
            inside = columns < WIDTH - k
            x = tl.load(hidden_ptr + k + columns, inside, 0.0)
            more += x * x
            x = x * tl.load(norm_ptr + k + columns, inside, 0.0)
            first += tl.load(first_ptr + k, inside[None, :], 0.0).to(tl.float32) * x[None, :]
            second += tl.load(second_ptr + k, inside[None, :], 0.0).to(tl.float32) * x[None, :]
        squares += tl.sum(more, 0)
        one += tl.sum(first, 1)
        two += tl.sum(second, 1)
    inverse = tl.rsqrt(squares / WIDTH + EPS)
    one = one * inverse + bias_first
    two = two * inverse + bias_second

    position = tl.load(position_ptr)
    if head < HEADS + KV_HEADS:
        turn_ptr = rope_ptr + position * HEAD_DIM + dim
        cosine = tl.load(turn_ptr)
        sine = tl.load(turn_ptr + HALF)
        turned = one * cosine - two * sine
        two = two * cosine + one * sine
        one = turned
    if head < HEADS:
        scale = HEAD_DIM**-0.5
        tl.store(queries_ptr + row, (one * scale).to(tl.bfloat16))
        tl.store(queries_ptr + row + HALF, (two * scale).to(tl.bfloat16))
    else:
        kv_head = (head - HEADS) % KV_HEADS
        target_ptr = keys_ptr if head < HEADS + KV_HEADS else values_ptr
        target_ptr += (kv_head.to(tl.int64) * capacity + position) * HEAD_DIM + dim
        tl.store(target_ptr, one.to(tl.bfloat16))
        tl.store(target_ptr + HALF, two.to(tl.bfloat16))
