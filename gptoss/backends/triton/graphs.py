"""Computations over a cache as CUDA graphs: recorded once, then launched whole."""

from collections.abc import Callable
from typing import Any

import torch

from gptoss.backends.triton.cache import KVCache


class Graphs:
    """Where there is no GPU they are simply run. All are recorded again when the cache has moved."""

    def __init__(self, cache: KVCache) -> None:
        self.cache = cache
        self._place = 0, 0
        self._graphs: dict[str, torch.cuda.CUDAGraph] = {}
        self._compiled: set[str] = set()
        self._pool: Any = None  # of memory, which they share: nothing of one is read after another has run

    def run(self, name: str, compute: Callable[[], None]) -> None:
        """Do what `compute` launches, which is always the same for this name."""
        place = self.cache.data.data_ptr(), self.cache.capacity
        if place != self._place:
            self._graphs.clear()
            self._pool = torch.cuda.graph_pool_handle() if self.cache.data.is_cuda else None
            self._place = place
        if name not in self._compiled or not self.cache.data.is_cuda:
            compute()  # compiles what was not compiled yet, which a graph cannot record
            self._compiled.add(name)
            return
        if name not in self._graphs:
            graph = torch.cuda.CUDAGraph()
            torch.cuda.synchronize()
            with torch.cuda.graph(graph, pool=self._pool):
                compute()
            self._graphs[name] = graph
        self._graphs[name].replay()
