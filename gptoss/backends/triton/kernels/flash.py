"""Attention of many tokens over the cache, their own keys included, without ever holding the scores.

After FlashAttention (https://arxiv.org/abs/2205.14135): keys pass by in tiles under a running maximum and sum.
"""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.product import product

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def attend_many(
    queries_ptr,
    keys_ptr,
    values_ptr,
    sinks_ptr,
    mixed_ptr,
    start_ptr,
    count,
    capacity,
    WINDOW: tl.constexpr,
    GROUP: tl.constexpr,
    HEADS: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    DIM: tl.constexpr,
    ROWS: tl.constexpr,
    KEYS: tl.constexpr,
):
    """Grid: [ceil(T / (ROWS / GROUP)), kv_heads]. The rows of a program are some tokens' queries of all heads that
    share keys, so a key is read once for all of them.

    queries, mixed bf16 [T, heads, head_dim], the queries scaled for powers of two; the tokens are at the positions from
    start (int64 [1]) on, and their keys are in the cache already. WINDOW is 0 for all positions; tiles of keys that no
    query sees are skipped.
    """
    TOKENS: tl.constexpr = ROWS // GROUP
    kv_head = tl.program_id(1)
    # The last tokens have the most to do, so they come first.
    first = (tl.num_programs(0) - 1 - tl.program_id(0)) * TOKENS
    start = tl.load(start_ptr).to(tl.int32)
    rows = tl.arange(0, ROWS)
    dims = tl.arange(0, DIM)
    token = first + rows // GROUP
    heads = kv_head * GROUP + rows % GROUP
    valid = (rows < TOKENS * GROUP) & (token < count)
    in_head = dims < HEAD_DIM
    both = valid[:, None] & in_head[None, :]
    offsets = (token.to(tl.int64) * HEADS + heads)[:, None] * HEAD_DIM + dims[None, :]
    queries = tl.load(queries_ptr + offsets, both, 0.0)
    position = start + token

    end = start + tl.minimum(first + TOKENS, count)
    begin = tl.maximum(start + first - WINDOW + 1, 0) // KEYS * KEYS if WINDOW else 0
    # Tiles before this one are seen whole by every query of the program, if there is no window.
    whole = begin if WINDOW else (start + first + 1) // KEYS * KEYS
    base = kv_head.to(tl.int64) * capacity * HEAD_DIM
    largest = tl.load(sinks_ptr + heads, valid, 0.0) * LOG2E
    total = tl.full([ROWS], 1.0, tl.float32)
    mixed = tl.zeros([ROWS, DIM], tl.float32)
    within = tl.arange(0, KEYS)
    for tile in range(begin, whole, KEYS):
        place = base + (tile + within)[:, None] * HEAD_DIM + dims[None, :]
        keys = tl.load(keys_ptr + place, in_head[None, :], 0.0)
        values = tl.load(values_ptr + place, in_head[None, :], 0.0)
        scores = product(queries, tl.trans(keys))
        new = tl.maximum(largest, tl.max(scores, 1))
        weights = tl.exp2(scores - new[:, None])
        kept = tl.exp2(largest - new)
        total = total * kept + tl.sum(weights, 1)
        mixed = mixed * kept[:, None] + product(weights.to(tl.bfloat16), values)
        largest = new
    for tile in range(whole, end, KEYS):
        key = tile + within
        place = base + key[:, None] * HEAD_DIM + dims[None, :]
        there = (key < end)[:, None] & in_head[None, :]
        keys = tl.load(keys_ptr + place, there, 0.0)
        values = tl.load(values_ptr + place, there, 0.0)
        scores = product(queries, tl.trans(keys))
        seen = key[None, :] <= position[:, None]
        if WINDOW:
            seen = seen & (key[None, :] > position[:, None] - WINDOW)
        scores = tl.where(seen, scores, float("-inf"))
        new = tl.maximum(largest, tl.max(scores, 1))
        weights = tl.exp2(scores - new[:, None])
        kept = tl.exp2(largest - new)
        total = total * kept + tl.sum(weights, 1)
        mixed = mixed * kept[:, None] + product(weights.to(tl.bfloat16), values)
        largest = new
    tl.store(mixed_ptr + offsets, (mixed / total[:, None]).to(tl.bfloat16), both)
