"""Decoding steps on the way: launched ahead of their results, as CUDA graphs where there is a GPU."""

from collections.abc import Callable

import torch

from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder


class Steps:
    """Runs a decoder over a cache. A graph is captured again when the cache has moved."""

    def __init__(self, decoder: Decoder, cache: KVCache) -> None:
        self.decoder = decoder
        self.cache = cache
        self._graphs: dict[bool, Callable[[], None]] = {}
        self._place = 0, 0
        self._on_card = decoder.weights.device.type == "cuda"
        self._tokens = torch.zeros(2, dtype=torch.int32, pin_memory=self._on_card)
        self._logprobs = torch.zeros(2, pin_memory=self._on_card)
        self._ready = [torch.cuda.Event() for _ in range(2)] if self._on_card else []
        self._launched = self._taken = 0

    def begin(self, token: int, position: int) -> None:
        """Put a token where the next step starts from; what was launched before is forgotten."""
        self.decoder.enter(token, position)
        self._launched = self._taken = 0

    def launch(self) -> None:
        """Compute the token at the decoder's position and draw the next one. At most two may be on the way."""
        self._run(drawing=True)
        slot = self._launched % 2
        self._tokens[slot : slot + 1].copy_(self.decoder.token, non_blocking=True)
        self._logprobs[slot : slot + 1].copy_(self.decoder.logprob, non_blocking=True)
        if self._on_card:
            self._ready[slot].record()
        self._launched += 1

    def take(self) -> tuple[int, float]:
        """Wait for the oldest step on the way: its token, -1 if the logits were no numbers, and its log probability."""
        slot = self._taken % 2
        if self._on_card:
            self._ready[slot].synchronize()
        self._taken += 1
        return int(self._tokens[slot]), float(self._logprobs[slot])

    def logits(self) -> torch.Tensor:
        """Compute the token at the decoder's position: the logits of the next one, float32 [vocabulary]."""
        self._run(drawing=False)
        return self.decoder.logits

    def _run(self, drawing: bool) -> None:
        place = self.cache.data.data_ptr(), self.cache.capacity
        if place != self._place:
            self._graphs.clear()
            self._place = place
            self._compute(drawing)  # compiles what was not compiled yet, which a graph cannot record
        elif not self._on_card:
            self._compute(drawing)
        else:
            if drawing not in self._graphs:
                self._graphs[drawing] = self._capture(drawing)
            self._graphs[drawing]()

    def _compute(self, drawing: bool) -> None:
        self.decoder.layers(self.cache)
        self.decoder.unembed()
        if drawing:
            self.decoder.draw()

    def _capture(self, drawing: bool) -> Callable[[], None]:
        graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            self._compute(drawing)
        return graph.replay
