"""A generator that plays replies written beforehand: the model of tests.

It knows no vocabulary and no weights. It honours everything else of the port: stop ids, bounds, cancellation, the
count of prefilled tokens.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from gptoss.backends.answering import NothingKept
from gptoss.backends.parameters import most_tokens
from gptoss.engine.errors import ContextFull, GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk, TokenScore
from gptoss.engine.prefix import common_prefix
from gptoss.engine.settings import Sampling

Reply = Sequence[int | BaseException]
"""Token ids in the order they are "sampled"; an exception among them is raised when its turn comes."""

VOCABULARY = 201_088


class ScriptedGenerator(NothingKept):
    """Each `generate` plays the next reply, one id per chunk.

    A prompt that ends with the beginning of that reply is the continuation of an interrupted answer: the reply goes on
    from there. `prompts` and `samplings` record what was asked for, call by call. A call without a reply left raises
    GenerationFailed.
    """

    name = "scripted"
    arithmetic = "none"

    def __init__(
        self, replies: Iterable[Reply] = (), *, max_context: int = 131_072, fingerprint: str = "scripted"
    ) -> None:
        self.max_context = max_context
        self.fingerprint = fingerprint
        self.prompts: list[tuple[int, ...]] = []
        self.samplings: list[Sampling] = []
        self.closed = False
        self._replies = iter(replies)
        self._cached: list[int] = []

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`. A scripted exception is raised as it is."""
        self.prompts.append(tuple(prompt))
        self.samplings.append(sampling)
        if not prompt:
            raise GenerationFailed("a prompt needs at least one token")
        room = self.max_context - len(prompt)
        if room < 0:
            raise ContextFull(f"the prompt has {len(prompt)} tokens and the model takes {self.max_context}")
        reply = next(self._replies, None)
        if reply is None:
            raise GenerationFailed(f"the script has no reply left for call {len(self.prompts)}")

        # The last token is always computed: its logits are what the first new token is drawn from.
        reused = min(common_prefix(self._cached, prompt), len(prompt) - 1)
        self._cached = list(prompt)
        yield TokenChunk(prefilled=len(prompt) - reused, cached=reused)
        left = most_tokens(sampling, room)
        for item in _rest(reply, prompt):
            if left == 0 or cancelled():
                return
            if isinstance(item, BaseException):
                raise item
            self._cached.append(item)
            left -= 1
            yield TokenChunk(ids=(item,), logprobs=(-math.log(VOCABULARY),) if sampling.logprobs else None)
            if item in stop_ids:
                return

    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`: all at once."""
        reused = common_prefix(self._cached, ids)
        if reused < len(ids) and not cancelled():
            self._cached = list(ids)
            yield TokenChunk(prefilled=len(ids) - reused, cached=reused)

    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """The scores of a model that knows nothing: every token of the vocabulary alike."""
        entropy = math.log(VOCABULARY)
        return [
            TokenScore(token=token, logprob=-entropy, rank=1, entropy=entropy, best=token, best_logprob=-entropy)
            for token in ids[start:]
        ]

    def close(self) -> None:
        self.closed = True


def _rest(reply: Reply, prompt: Sequence[int]) -> Iterator[int | BaseException]:
    """The reply from the point that the prompt has reached."""
    ids = [item for item in reply if not isinstance(item, BaseException)]
    said = next((n for n in range(min(len(ids), len(prompt)), 0, -1) if list(prompt[-n:]) == ids[:n]), 0)
    for item in reply:
        if said == 0:
            yield item
        elif not isinstance(item, BaseException):
            said -= 1
