"""Keys and values of the tokens computed so far: one sequence, of which a new prompt keeps what it shares."""

from collections.abc import Sequence

import torch

from gptoss.engine.prefix import common_prefix

STEP = 512
"""Capacities are multiples of it, so that attention may read whole tiles. What lies beyond the sequence is finite."""


class KVCache:
    """`layers[n]` is [2 * kv_heads, capacity, head_dim], keys before values; `ids` are the tokens they hold."""

    def __init__(self, layers: int, kv_heads: int, head_dim: int, dtype: torch.dtype, device: torch.device) -> None:
        self.ids: list[int] = []
        self.layers = [torch.zeros(2 * kv_heads, 0, head_dim, dtype=dtype, device=device) for _ in range(layers)]

    @property
    def capacity(self) -> int:
        return self.layers[0].shape[1]

    def holds(self, prompt: Sequence[int]) -> bool:
        """Whether nothing of `prompt` is missing."""
        return common_prefix(self.ids, prompt) == len(prompt)

    def keep(self, prompt: Sequence[int]) -> int:
        """Forget all but what `prompt` begins with, and say how many tokens of it that leaves."""
        shared = common_prefix(self.ids, prompt)
        del self.ids[shared:]
        return shared

    def reserve(self, tokens: int) -> None:
        """Make room for so many tokens in all; it doubles at least, so that growing copies little in all."""
        if tokens <= self.capacity:
            return
        capacity = max(-(-tokens // STEP) * STEP, 2 * self.capacity)
        for n, old in enumerate(self.layers):  # one at a time: the whole cache is never in memory twice
            self.layers[n] = old.new_zeros(old.shape[0], capacity, old.shape[2])
            self.layers[n][:, : old.shape[1]] = old
