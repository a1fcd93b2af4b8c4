"""The router: which experts a token goes through, and how much each counts."""

import triton
import triton.language as tl

from gptoss.backends.triton.kernels.dependency import wait
from gptoss.backends.triton.packing import place


@triton.jit
def score_experts(
    hidden_ptr,
    norm_ptr,
    weight_ptr,
    bias_ptr,
    scores_ptr,
    normed_ptr,
    factor,
    WIDTH: tl.constexpr,
    WIDTH_BLOCK: tl.constexpr,
    EPS: tl.constexpr,
    DEPENDENT: tl.constexpr,
):
    """Grid: [experts, tokens]. hidden float32 [tokens, width]; scores float32 [tokens, experts]; normed float16
    [tokens, width], times factor, in the order of `packing.places`."""
    expert = tl.program_id(0)
    token = tl.program_id(1)
    columns = tl.arange(0, WIDTH_BLOCK)
    inside = columns < WIDTH
    weight = tl.load(weight_ptr + expert * WIDTH + columns, inside, 0.0).to(tl.float32)
    norm = tl.load(norm_ptr + columns, inside, 0.0)
    bias = tl.load(bias_ptr + expert).to(tl.float32)
    wait(DEPENDENT)
    x = tl.load(hidden_ptr + token * WIDTH + columns, inside, 0.0)
    x = x * tl.rsqrt(tl.sum(x * x, 0) / WIDTH + EPS) * norm
    tl.store(scores_ptr + token * tl.num_programs(0) + expert, tl.sum(x * weight, 0) + bias)
    if expert == 0:
        tl.store(normed_ptr + token * WIDTH + place(columns, WIDTH // 8), (x * factor).to(tl.float16), inside)


@triton.jit
def load_scores(scores_ptr, EXPERTS: tl.constexpr, EXPERTS_BLOCK: tl.constexpr):
    """float32 [EXPERTS_BLOCK]; -inf beyond the experts."""
    experts = tl.arange(0, EXPERTS_BLOCK)
    return tl.load(scores_ptr + experts, experts < EXPERTS, float("-inf"))


@triton.jit
def choose_all(scores, RANKS: tl.constexpr, PER_TOKEN: tl.constexpr, EXPERTS_BLOCK: tl.constexpr):
    """The experts of all ranks and their weights: [RANKS], the weights beyond PER_TOKEN 0."""
    experts = tl.arange(0, EXPERTS_BLOCK)
    ranks = tl.arange(0, RANKS)
    chosen = tl.zeros([RANKS], tl.int32)
    weights = tl.zeros([RANKS], tl.float32)
    best = tl.max(scores, 0)
    total = 0.0
    for n in tl.static_range(PER_TOKEN):
        top, expert = tl.max(scores, 0, return_indices=True, return_indices_tie_break_left=True)
        weight = tl.exp(top - best)
        total += weight
        chosen = tl.where(ranks == n, expert, chosen)
        weights = tl.where(ranks == n, weight, weights)
        scores = tl.where(experts == expert, float("-inf"), scores)
    return chosen, weights / total


@triton.jit
def choose(scores, rank, RANKS: tl.constexpr, PER_TOKEN: tl.constexpr, EXPERTS_BLOCK: tl.constexpr):
    """The expert of one rank. Of equal scores the lower expert comes first."""
    chosen, _ = choose_all(scores, RANKS, PER_TOKEN, EXPERTS_BLOCK)
    return tl.sum(tl.where(tl.arange(0, RANKS) == rank, chosen, 0), 0)
