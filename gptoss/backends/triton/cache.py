"""Keys and values on the card: one sequence, of which a new prompt keeps what it shares."""

import torch

from gptoss.backends.cached import Cached
from gptoss.backends.config import ModelConfig

STEP = 2048
"""Capacities are multiples of it."""


class KVCache(Cached):
    """`data` is bf16 [layers, 2, kv_heads, capacity, head_dim], keys before values; `ids` are the tokens it holds."""

    def __init__(self, config: ModelConfig, device: torch.device) -> None:
        super().__init__()
        self.most = config.max_context
        self.data = torch.zeros(
            config.num_hidden_layers, 2, config.num_key_value_heads, 0, config.head_dim,
            dtype=torch.bfloat16, device=device,
        )  # fmt: skip

    @property
    def capacity(self) -> int:
        return self.data.shape[3]

    @property
    def rows(self) -> list[torch.Tensor]:
        return [layer.flatten(0, 1) for layer in self.data]

    def reserve(self, tokens: int) -> bool:
        """Make room for so many tokens in all, which may move everything; whether it did."""
        if tokens <= self.capacity:
            return False
        capacity = max(-(-tokens // STEP) * STEP, min(2 * self.capacity, -(-self.most // STEP) * STEP))
        old = self.data
        shape = (*old.shape[:3], capacity, old.shape[4])
        self.data = torch.empty(0, dtype=old.dtype, device=old.device)  # `old` alone holds the memory now
        new = torch.zeros(shape, dtype=old.dtype, device=old.device)
        new[:, :, :, : old.shape[3]] = old
        self.data = new
        return True
