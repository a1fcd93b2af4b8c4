"""Decoding steps on the way: launched ahead of their results."""

import torch

from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.graphs import Graphs


class Steps:
    """Runs a decoder of single tokens over the cache of `graphs`."""

    def __init__(self, decoder: Decoder, graphs: Graphs) -> None:
        self.decoder = decoder
        self._graphs = graphs
        self._on_card = decoder.weights.device.type == "cuda"
        self._tokens = torch.zeros(2, dtype=torch.int32, pin_memory=self._on_card)
        self._logprobs = torch.zeros(2, pin_memory=self._on_card)
        self._ready = [torch.cuda.Event() for _ in range(2)] if self._on_card else []
        self._launched = self._taken = 0

    def begin(self, token: int, position: int) -> None:
        """Put a token where the next step starts from; what was launched before is forgotten."""
        self.decoder.enter([token], position)
        self._launched = self._taken = 0

    def launch(self) -> None:
        """Compute the token at the decoder's position and draw the next one. At most two may be on the way."""
        self._graphs.run("step", self._step)
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
        self._graphs.run("logits", self._forward)
        return self.decoder.logits[0]

    def _step(self) -> None:
        self._forward()
        self.decoder.draw()

    def _forward(self) -> None:
        self.decoder.forward(self._graphs.cache)
