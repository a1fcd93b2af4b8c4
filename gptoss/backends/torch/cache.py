"""Keys and values of the tokens computed so far: one sequence, of which a new prompt keeps what it shares."""

from collections.abc import Sequence

import torch

from gptoss.backends.prefix import common_prefix

STEP = 512
"""Capacities are multiples of it, so that attention may read whole tiles. What lies beyond the sequence is finite."""


class KVCache:
    """`keys[layer]` and `values[layer]` are [kv_heads, capacity, head_dim]; `ids` are the tokens they hold."""

    def __init__(self, layers: int, kv_heads: int, head_dim: int, dtype: torch.dtype, device: torch.device) -> None:
        self.ids: list[int] = []
        self.keys = [torch.zeros(kv_heads, 0, head_dim, dtype=dtype, device=device) for _ in range(layers)]
        self.values = [torch.zeros(kv_heads, 0, head_dim, dtype=dtype, device=device) for _ in range(layers)]

    @property
    def capacity(self) -> int:
        return self.keys[0].shape[1]

    def keep(self, prompt: Sequence[int]) -> int:
        """Forget all but what `prompt` begins with, and say how many tokens of it that leaves."""
        shared = common_prefix(self.ids, prompt)
        del self.ids[shared:]
        return shared

    def reserve(self, tokens: int) -> None:
        """Make room for so many tokens in all; growing doubles, so that a long answer copies each token's keys once."""
        if tokens <= self.capacity:
            return
        capacity = max(-(-tokens // STEP) * STEP, 2 * self.capacity)
        for layer in range(len(self.keys)):  # one at a time: no second copy of the whole cache is ever in memory
            self.keys[layer] = _grown(self.keys[layer], capacity, len(self.ids))
            self.values[layer] = _grown(self.values[layer], capacity, len(self.ids))


def _grown(old: torch.Tensor, capacity: int, used: int) -> torch.Tensor:
    new = old.new_zeros(old.shape[0], capacity, old.shape[2])
    new[:, :used] = old[:, :used]
    return new
