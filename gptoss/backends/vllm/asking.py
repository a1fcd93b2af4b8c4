"""How a generation is asked for, in the words that vLLM's engine and its server share."""

from typing import Any

from gptoss.engine.settings import Sampling

DRAW = "gptoss_draw"
"""The extra argument that asks `gptoss.backends.vllm.drawing` to draw: [seed, temperature, top_p]."""

PROCESSOR = "gptoss.backends.vllm.drawing:SeededDraw"

TOP = 20
"""How many of the likeliest tokens vLLM is asked for when it scores: the most that a server allows unless told."""


def parameters(sampling: Sampling, stop_ids: frozenset[int], max_tokens: int) -> dict[str, Any]:
    """Sampling parameters but for the extra arguments, whose name differs.

    Without `gptoss.backends.vllm.drawing` in the engine these draw by themselves; with it they only confirm its choice.
    """
    asked: dict[str, Any] = {
        "temperature": sampling.temperature,
        "top_p": max(sampling.top_p, 1e-6),  # vLLM knows no 0; the likeliest token is what is meant
        "top_k": 0,
        "min_p": 0.0,
        "seed": sampling.seed,
        "max_tokens": max_tokens,
        "ignore_eos": True,  # the caller says what ends an answer
        "stop_token_ids": sorted(stop_ids),
    }
    if sampling.logprobs:
        asked["logprobs"] = 0  # of the sampled token and no other
    return asked


def drawing(sampling: Sampling) -> dict[str, Any]:
    """The extra arguments; none where the likeliest token is taken, which needs no drawing."""
    return {} if sampling.temperature == 0 else {DRAW: [sampling.seed, sampling.temperature, sampling.top_p]}
