"""What a prompt shares with the tokens whose keys and values are already cached."""

from collections.abc import Sequence


def common_prefix(cached: Sequence[object], prompt: Sequence[object]) -> int:
    """The number of items that both begin with."""
    shortest = min(len(cached), len(prompt))
    if list(cached[:shortest]) == list(prompt[:shortest]):  # the usual case: the next turn of the same conversation
        return shortest
    return next(i for i in range(shortest) if cached[i] != prompt[i])
