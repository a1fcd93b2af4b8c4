"""Short prompts as CUDA graphs: to launch their kernels one by one takes longer than to run them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.prefill import Prefill

SIZES = (16, 32, 64, 128, 256, 512, 1024)
"""Tokens that a graph computes. What is beyond a prompt is computed as well, and nobody looks at it."""


class Recorded(NamedTuple):
    """A graph with the ids that it reads, int64 [size]."""

    graph: torch.cuda.CUDAGraph
    ids: torch.Tensor


class Prompts:
    """Runs prompts over a cache. Graphs are recorded again when the cache has moved."""

    def __init__(self, prefill: Prefill, cache: KVCache) -> None:
        self._prefill = prefill
        self._cache = cache
        self._graphs: dict[int, Recorded] = {}
        self._place = 0, 0
        self._device = prefill.weights.device
        self._pool = torch.cuda.graph_pool_handle() if self._device.type == "cuda" else None

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
        if self._pool is None or not size or start + size > min(self._cache.capacity, self._cache.most):
            self._prefill.fill(torch.tensor(ids, device=self._device), self._cache)
            return
        place = self._cache.data.data_ptr(), self._cache.capacity
        if place != self._place:
            self._graphs.clear()
            self._pool = torch.cuda.graph_pool_handle()  # the old one's memory is gone with its graphs
            self._place = place
        if size not in self._graphs:
            self._graphs[size] = self._record(size)
        recorded = self._graphs[size]
        recorded.ids[: len(ids)].copy_(torch.tensor(ids).pin_memory(), non_blocking=True)
        recorded.graph.replay()

    def _record(self, size: int) -> Recorded:
        ids = torch.zeros(size, dtype=torch.int64, device=self._device)
        self._prefill.fill(ids, self._cache)  # compiles what was not compiled yet, which a graph cannot record
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph, pool=self._pool):
            self._prefill.fill(ids, self._cache)
        return Recorded(graph, ids)
