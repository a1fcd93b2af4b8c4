"""Which experts many tokens go to: the choice, the order of the choices by expert, the inputs in that order.

A choice is a token with one of its experts: number `token * per_token + rank`, `rank` counting from the best one.
"""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.product import product


@triton.jit
def route(
    normed_ptr,
    router_ptr,
    bias_ptr,
    chosen_ptr,
    weights_ptr,
    count,
    WIDTH: tl.constexpr,
    EXPERTS: tl.constexpr,
    EXPERTS_BLOCK: tl.constexpr,
    PER_TOKEN: tl.constexpr,
    PER_TOKEN_BLOCK: tl.constexpr,
    TOKENS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Grid: T / TOKENS. normed bf16 [T, width]; router bf16 [experts, width]; chosen int32 [T, per_token], the best
    first; weights float32 [T, per_token], their softmax."""
    token = tl.program_id(0) * TOKENS + tl.arange(0, TOKENS)
    expert = tl.arange(0, EXPERTS_BLOCK)
    columns = tl.arange(0, BLOCK)
    valid = token < count
    known = expert < EXPERTS
    normed_ptrs = normed_ptr + token.to(tl.int64)[:, None] * WIDTH + columns[None, :]
    router_ptrs = router_ptr + expert[None, :] * WIDTH + columns[:, None]
    scores = tl.zeros([TOKENS, EXPERTS_BLOCK], tl.float32)
    for start in range(0, WIDTH, BLOCK):
        inside = columns < WIDTH - start
        normed = tl.load(normed_ptrs + start, inside[None, :] & valid[:, None], 0.0)
        router = tl.load(router_ptrs + start, inside[:, None] & known[None, :], 0.0)
        scores += product(normed, router)
    scores += tl.load(bias_ptr + expert, known, 0.0).to(tl.float32)[None, :]
    scores = tl.where(known[None, :], scores, float("-inf"))
    ranks = tl.arange(0, PER_TOKEN_BLOCK)[None, :]
    best = tl.full([TOKENS, PER_TOKEN_BLOCK], float("-inf"), tl.float32)
    chosen = tl.zeros([TOKENS, PER_TOKEN_BLOCK], tl.int32)
    for rank in tl.static_range(PER_TOKEN):
        largest = tl.max(scores, 1)[:, None]
        # Of equal ones the first. Scores that are no numbers equal nothing: then any expert is as good.
        which = tl.min(tl.where(scores == largest, expert[None, :], EXPERTS - 1), 1)[:, None]
        best = tl.where(ranks == rank, largest, best)
        chosen = tl.where(ranks == rank, which, chosen)
        scores = tl.where(expert[None, :] == which, float("-inf"), scores)
    weights = tl.exp(best - tl.max(best, 1)[:, None])
    weights = weights / tl.sum(weights, 1)[:, None]
    target = token[:, None] * PER_TOKEN + ranks
    there = valid[:, None] & (ranks < PER_TOKEN)
    tl.store(chosen_ptr + target, chosen, there)
    tl.store(weights_ptr + target, weights, there)


@triton.jit
def sort_choices(chosen_ptr, place_ptr, offsets_ptr, choices, EXPERTS: tl.constexpr, BLOCK: tl.constexpr):
    """Grid: experts. Where each choice comes when they are sorted by expert, and among themselves by number.

    chosen, place int32 [T * per_token]; offsets int32 [experts + 1]: where each expert's choices begin.
    """
    expert = tl.program_id(0)
    number = tl.arange(0, BLOCK)
    before = tl.zeros([BLOCK], tl.int32)
    for start in range(0, choices, BLOCK):
        chosen = tl.load(chosen_ptr + start + number, number < choices - start, EXPERTS)
        before += (chosen < expert).to(tl.int32)
    next_place = tl.sum(before, 0)
    tl.store(offsets_ptr + expert, next_place)
    if expert == EXPERTS - 1:
        tl.store(offsets_ptr + EXPERTS, choices)
    for start in range(0, choices, BLOCK):
        chosen = tl.load(chosen_ptr + start + number, number < choices - start, EXPERTS)
        mine = (chosen == expert).to(tl.int32)
        tl.store(place_ptr + start + number, next_place + tl.cumsum(mine, 0) - 1, mine > 0)
        next_place += tl.sum(mine, 0)


@triton.jit
def spread(inputs_ptr, place_ptr, sorted_ptr, WIDTH: tl.constexpr, PER_TOKEN: tl.constexpr, BLOCK: tl.constexpr):
    """Grid: T. A token's inputs, at the places of its choices: float16 [T, width] to [T * per_token, width]."""
    token = tl.program_id(0).to(tl.int64)
    columns = tl.arange(0, BLOCK)
    inside = columns < WIDTH
    inputs = tl.load(inputs_ptr + token * WIDTH + columns, inside, 0.0)
    for rank in tl.static_range(PER_TOKEN):
        place = tl.load(place_ptr + token * PER_TOKEN + rank).to(tl.int64)
        tl.store(sorted_ptr + place * WIDTH + columns, inputs, inside)
