"""What happens to many tokens, each by itself: sums and norms, rotary positions.

`T` tokens are computed at a time, each a row.
"""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.flash import LOG2E
from gptoss.backends.triton.packing import place_in_group


@triton.jit
def add_and_norm(
    hidden_ptr,
    parts_ptr,
    place_ptr,
    weights_ptr,
    norm_ptr,
    normed_ptr,
    inputs_ptr,
    factor,
    PARTS: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDTH_BLOCK: tl.constexpr,
    EPS: tl.constexpr,
    PLACED: tl.constexpr,
    INPUTS: tl.constexpr,
):
    """Grid: T. Adds a token's PARTS results to its hidden state, in their order, and norms it.

    hidden float32 [T, width], in and out; parts bf16 or float32 [T * PARTS, width], if PLACED where place int32
    [T, PARTS] says and times weights float32 [T, PARTS]; normed bf16 [T, width]; with INPUTS also inputs float16
    [T, width] of the experts, times factor, in the order of `place_in_group`.
    """
    token = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, WIDTH_BLOCK)
    inside = columns < WIDTH
    x = tl.load(hidden_ptr + token * WIDTH + columns, inside, 0.0)
    for part in tl.static_range(PARTS):
        row = token * PARTS + part
        if PLACED:
            weight = tl.load(weights_ptr + row)
            row = tl.load(place_ptr + row).to(tl.int64)
            x += tl.load(parts_ptr + row * WIDTH + columns, inside, 0.0).to(tl.float32) * weight
        else:
            x += tl.load(parts_ptr + row * WIDTH + columns, inside, 0.0).to(tl.float32)
    if PARTS > 0:
        tl.store(hidden_ptr + token * WIDTH + columns, x, inside)
    normed = x * tl.rsqrt(tl.sum(x * x, 0) / WIDTH + EPS) * tl.load(norm_ptr + columns, inside, 0.0)
    tl.store(normed_ptr + token * WIDTH + columns, normed.to(tl.bfloat16), inside)
    if INPUTS:
        target = token * WIDTH + place_in_group(columns)
        tl.store(inputs_ptr + target, (normed * factor).to(tl.float16), inside)


@triton.jit
def turn_and_keep(
    qkv_ptr,
    rope_ptr,
    queries_ptr,
    keys_ptr,
    values_ptr,
    start_ptr,
    capacity,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    HALF_BLOCK: tl.constexpr,
    AT_ONCE: tl.constexpr,
):
    """Grid: [T, (heads + 2 * kv_heads) / AT_ONCE]. Turns queries and keys to their positions: start, int64 [1], is the
    first.

    qkv bf16 [T, heads + 2 * kv_heads, head_dim]; queries bf16 [T, heads, head_dim], scaled for a softmax by powers of
    two; keys, values bf16 [kv_heads, capacity, head_dim].
    """
    HALF: tl.constexpr = HEAD_DIM // 2
    ALL: tl.constexpr = HEADS + 2 * KV_HEADS
    token = tl.program_id(0).to(tl.int64)
    position = tl.load(start_ptr) + token
    head = (tl.program_id(1) * AT_ONCE + tl.arange(0, AT_ONCE))[:, None]
    dims = tl.arange(0, HALF_BLOCK)[None, :]
    inside = (head < ALL) & (dims < HALF)
    row_ptr = qkv_ptr + (token * ALL + head) * HEAD_DIM + dims
    one = tl.load(row_ptr, inside, 0.0).to(tl.float32)
    two = tl.load(row_ptr + HALF, inside, 0.0).to(tl.float32)
    turning = head < HEADS + KV_HEADS
    cosine = tl.load(rope_ptr + position * HEAD_DIM + dims, inside & turning, 1.0)
    sine = tl.load(rope_ptr + position * HEAD_DIM + HALF + dims, inside & turning, 0.0)
    first = one * cosine - two * sine
    second = two * cosine + one * sine

    query_ptr = queries_ptr + (token * HEADS + head) * HEAD_DIM + dims
    scale = LOG2E * HEAD_DIM**-0.5
    tl.store(query_ptr, (first * scale).to(tl.bfloat16), inside & (head < HEADS))
    tl.store(query_ptr + HALF, (second * scale).to(tl.bfloat16), inside & (head < HEADS))
    place = ((head - HEADS) % KV_HEADS).to(tl.int64) * capacity * HEAD_DIM + position * HEAD_DIM + dims
    is_key = inside & (head >= HEADS) & turning
    tl.store(keys_ptr + place, first.to(tl.bfloat16), is_key)
    tl.store(keys_ptr + place + HALF, second.to(tl.bfloat16), is_key)
    is_value = inside & (head >= HEADS + KV_HEADS)
    tl.store(values_ptr + place, first.to(tl.bfloat16), is_value)
    tl.store(values_ptr + place + HALF, second.to(tl.bfloat16), is_value)
