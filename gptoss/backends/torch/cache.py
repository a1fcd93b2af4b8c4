"""Keys and values of the tokens computed so far: one sequence, of which a new prompt keeps what it shares."""

import torch

from gptoss.backends.cached import Cached

STEP = 512
"""Capacities are multiples of it, so that attention may read whole tiles. What lies beyond the sequence is finite."""


class KVCache(Cached):
    """`layers[n]` is [2 * kv_heads, capacity, head_dim], keys before values; `ids` are the tokens they hold."""

    def __init__(self, layers: int, kv_heads: int, head_dim: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.layers = [torch.zeros(2 * kv_heads, 0, head_dim, dtype=dtype, device=device) for _ in range(layers)]

    @property
    def capacity(self) -> int:
        return self.layers[0].shape[1]

    @property
    def rows(self) -> list[torch.Tensor]:
        return self.layers

    def reserve(self, tokens: int) -> None:
        """Make room for so many tokens in all; it doubles at least, so that growing copies little in all."""
        if tokens <= self.capacity:
            return
        capacity = max(-(-tokens // STEP) * STEP, 2 * self.capacity)
        for n, old in enumerate(self.layers):  # one at a time: the whole cache is never in memory twice
            self.layers[n] = old.new_zeros(old.shape[0], capacity, old.shape[2])
            self.layers[n][:, : old.shape[1]] = old
