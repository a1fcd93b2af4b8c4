"""Whether sampling parameters mean anything. Nothing here imports torch."""

import math

from gptoss.engine.errors import UsageError
from gptoss.engine.settings import Sampling


def most_tokens(sampling: Sampling, room: int) -> int:
    """How many tokens may be sampled where the context has room for so many."""
    return room if sampling.max_tokens is None else min(room, sampling.max_tokens)


def check(sampling: Sampling) -> None:
    """UsageError if the parameters mean nothing."""
    if not 0 <= sampling.temperature < math.inf:
        raise UsageError(f"the temperature is {sampling.temperature}; it must be 0 or more")
    if not 0 <= sampling.top_p <= 1:
        raise UsageError(f"top_p is {sampling.top_p}; it must lie between 0 and 1")
    if sampling.max_tokens is not None and sampling.max_tokens < 0:
        raise UsageError(f"max_tokens is {sampling.max_tokens}; it must be 0 or more")
