"""Short prompts as CUDA graphs: to launch their kernels one by one takes longer than to run them."""

from collections.abc import Sequence

import torch

from gptoss.backends.triton.graphs import Graphs
from gptoss.backends.triton.prefill import Prefill

SIZES = (16, 32, 64, 128, 256, 384, 512, 768, 1024)
"""Tokens that a graph computes. What is beyond a prompt is computed as well, and nobody looks at it."""


class Prompts:
    """Runs prompts over the cache of `graphs`."""

    def __init__(self, prefill: Prefill, graphs: Graphs) -> None:
        self._prefill = prefill
        self._graphs = graphs
        self._cache = graphs.cache
        self._device = prefill.weights.device
        self._ids = torch.zeros(SIZES[-1], dtype=torch.int64, device=self._device)

    def hidden(self, ids: Sequence[int]) -> torch.Tensor:
        """Compute the tokens that follow those of the cache, which has room for them, and add their keys and values:
        their last hidden states, float32 [T, hidden_size]."""
        self._prefill.start.fill_(len(self._cache.ids))
        return self._prefill.forward(torch.tensor(ids, device=self._device), self._cache)

    def fill(self, ids: Sequence[int]) -> None:
        """The same for the keys and values alone."""
        start = len(self._cache.ids)
        self._prefill.start.fill_(start)
        size = next((size for size in SIZES if size >= len(ids)), 0)
        if self._device.type == "cpu" or not size or start + size > min(self._cache.capacity, self._cache.most):
            self._prefill.fill(torch.tensor(ids, device=self._device), self._cache)
            return
        # Zeros follow, not what an earlier prompt has left: the number of an expert's tokens says how it is multiplied.
        padded = torch.tensor([*ids, *[0] * (size - len(ids))]).pin_memory()
        self._ids[:size].copy_(padded, non_blocking=True)
        self._graphs.run(f"prompt of {size}", lambda: self._prefill.fill(self._ids[:size], self._cache))
