"""Attention of one token, or each of a few, over the cache: keys divided among programs, sinks, sliding windows."""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait
from gptoss.backends.triton.kernels.product import product

LOG2E = tl.constexpr(1.4426950408889634)


@triton.jit
def attend(
    queries_ptr,
    keys_ptr,
    values_ptr,
    sinks_ptr,
    position_ptr,
    partial_ptr,
    arrived_ptr,
    mixed_ptr,
    capacity,
    WINDOW: tl.constexpr,
    GROUP: tl.constexpr,
    ROWS: tl.constexpr,
    HEAD_DIM: tl.constexpr,
    DIM: tl.constexpr,
    KEYS: tl.constexpr,
    SPLITS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: [kv_heads, SPLITS, tokens]. The queries that share keys are the rows of one product.

    WINDOW is 0 for all positions; ROWS is GROUP (query heads a kv head), 16 at least, and DIM is head_dim, 16 at least,
    each rounded up to a power of two. queries, mixed bf16 [tokens, heads, head_dim], of the tokens at `position` and
    after it; partial float32 [tokens, kv_heads, SPLITS, ROWS, DIM + 2], with each split's maximum and sum last; arrived
    int32 [tokens, kv_heads], zeros before and after.

    Each program takes an equal share of the keys that there are, not of the capacity. The one that is done last
    combines what all have found, in the splits' order.
    """
    kv_head = tl.program_id(0)
    split = tl.program_id(1)
    kv_heads = tl.num_programs(0)
    token = tl.program_id(2)
    rows = tl.arange(0, ROWS)
    dims = tl.arange(0, DIM)
    within = tl.arange(0, KEYS)
    in_head = dims < HEAD_DIM
    valid = (rows < GROUP)[:, None] & in_head[None, :]

    position = tl.load(position_ptr) + token
    first = tl.maximum(position - WINDOW + 1, 0) if WINDOW else 0
    share = tl.cdiv(tl.cdiv(position + 1 - first, SPLITS), KEYS) * KEYS
    used = tl.cdiv(position + 1 - first, share)
    begin = first + split * share
    end = tl.minimum(begin + share, position + 1)
    wait(DEPENDENT)
    if split < used:
        heads = kv_head * GROUP + rows
        own_heads = token * kv_heads * GROUP + heads
        queries = tl.load(queries_ptr + own_heads[:, None] * HEAD_DIM + dims[None, :], valid, 0.0)
        base = kv_head.to(tl.int64) * capacity * HEAD_DIM
        largest = tl.full([ROWS], float("-inf"), tl.float32)
        total = tl.zeros([ROWS], tl.float32)
        mixed = tl.zeros([ROWS, DIM], tl.float32)
        for start in range(begin, end, KEYS):
            key = start + within
            offsets = base + key[:, None] * HEAD_DIM + dims[None, :]
            seen = (key < end)[:, None] & in_head[None, :]
            keys = tl.load(keys_ptr + offsets, seen, 0.0)
            values = tl.load(values_ptr + offsets, seen, 0.0)
            scores = product(queries, tl.trans(keys)) * LOG2E
            scores = tl.where((key < end)[None, :], scores, float("-inf"))
            new = tl.maximum(largest, tl.max(scores, 1))
            weights = tl.exp2(scores - new[:, None])
            kept = tl.exp2(largest - new)
            total = total * kept + tl.sum(weights, 1)
            mixed = mixed * kept[:, None] + product(weights.to(tl.bfloat16), values)
            largest = new
        sinks = tl.load(sinks_ptr + heads, rows < GROUP, 0.0) * LOG2E
        out_ptr = mixed_ptr + own_heads[:, None] * HEAD_DIM + dims[None, :]
        if used == 1:
            mixed = mixed / (total + tl.exp2(sinks - largest))[:, None]
            tl.store(out_ptr, mixed.to(tl.bfloat16), valid)
        else:
            place = token * kv_heads + kv_head
            own_ptr = partial_ptr + (place * SPLITS + split) * ROWS * (DIM + 2)
            tl.store(own_ptr + rows[:, None] * DIM + dims[None, :], mixed)
            tl.store(own_ptr + ROWS * DIM + rows, largest)
            tl.store(own_ptr + ROWS * (DIM + 1) + rows, total)
            tl.debug_barrier()
            before = tl.atomic_add(arrived_ptr + place, 1, sem="acq_rel")
            if before == used - 1:
                _combine(
                    partial_ptr + place * SPLITS * ROWS * (DIM + 2), sinks, out_ptr, valid, used, ROWS, DIM, SPLITS
                )
                tl.store(arrived_ptr + place, 0)


@triton.jit
def _combine(partial_ptr, sinks, out_ptr, valid, used, ROWS: tl.constexpr, DIM: tl.constexpr, SPLITS: tl.constexpr):
    """Eight splits at a time: their loads are under way together."""
    rows = tl.arange(0, ROWS)
    dims = tl.arange(0, DIM)
    splits = tl.arange(0, SPLITS)
    stats_ptr = partial_ptr + splits[:, None] * (ROWS * (DIM + 2)) + ROWS * DIM + rows[None, :]
    largest = tl.load(stats_ptr, (splits < used)[:, None], float("-inf"))
    sums = tl.load(stats_ptr + ROWS, (splits < used)[:, None], 0.0)
    top = tl.maximum(tl.max(largest, 0), sinks)
    total = tl.sum(sums * tl.exp2(largest - top[None, :]), 0) + tl.exp2(sinks - top)
    AT_ONCE: tl.constexpr = 8 if SPLITS > 8 else SPLITS
    mixed = tl.zeros([ROWS, DIM], tl.float32)
    for begin in tl.static_range(0, SPLITS, AT_ONCE):
        if begin < used:
            some = begin + tl.arange(0, AT_ONCE)
            there = (some < used)[:, None]
            some_ptr = partial_ptr + some[:, None] * (ROWS * (DIM + 2))
            weights = tl.exp2(tl.load(some_ptr + ROWS * DIM + rows[None, :], there, float("-inf")) - top[None, :])
            parts = tl.load(
                some_ptr[:, :, None] + rows[None, :, None] * DIM + dims[None, None, :], there[:, :, None], 0.0
            )
            mixed += tl.sum(parts * weights[:, :, None], 0)
    tl.store(out_ptr, (mixed / total[:, None]).to(tl.bfloat16), valid)
