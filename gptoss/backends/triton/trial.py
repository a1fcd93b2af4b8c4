"""A token and a draft of what follows it, computed in one step."""

from collections.abc import Sequence

from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.graphs import Graphs

DRAFT = 3
"""Tokens of a draft: with its own token four are computed in a step."""

COST = 2.4
"""Single steps that one with a draft takes as long as (measured: 2.43 after 1,024 tokens, 2.33 after 8,192)."""


class Trial:
    """Runs a decoder of 1 + DRAFT tokens over the cache of `graphs`."""

    def __init__(self, decoder: Decoder, graphs: Graphs) -> None:
        self.decoder = decoder
        self._graphs = graphs
        self._compiled = decoder.weights.device.type == "cpu"  # there is nothing to compile

    def compile(self, token: int, position: int) -> None:
        """Before the first answer, so that it does not stop in its middle while kernels are compiled.

        The token is computed as `draw` would, at its position and as if it came again and again; whatever is computed
        there next takes its place.
        """
        if not self._compiled:
            self.draw([token] * self.decoder.tokens, position)
            self._compiled = True

    def draw(self, tokens: Sequence[int], position: int) -> list[tuple[int, float]]:
        """Compute tokens from `position` on, and draw what follows each of them, with its log probability.

        The first is right whatever comes after it, each other one if the token before it was drawn as it was drafted:
        those that are right are returned.
        """
        self.decoder.enter(tokens, position)
        self._graphs.run("trial", self._step)
        drawn = list(zip(self.decoder.token.tolist(), self.decoder.logprob.tolist(), strict=True))
        right = 1
        while right < len(tokens) and drawn[right - 1][0] == tokens[right]:
            right += 1
        return drawn[:right]

    def _step(self) -> None:
        self.decoder.forward(self._graphs.cache)
        self.decoder.draw()
