"""The `TokenGenerator` port over the Triton kernels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import torch
import triton

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.one_answer import OneAnswer
from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.parallel.plan import plan
from gptoss.backends.parallel.shard import Shard
from gptoss.backends.parameters import most_tokens
from gptoss.backends.sampling import check, draw
from gptoss.backends.saved import key_of
from gptoss.backends.torch.scoring import scored
from gptoss.backends.triton import card
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.graphs import Graphs
from gptoss.backends.triton.kernels.product import INTERPRETED
from gptoss.backends.triton.lookup import Lookup
from gptoss.backends.triton.prefill import Prefill
from gptoss.backends.triton.prompts import Prompts
from gptoss.backends.triton.steps import Steps
from gptoss.backends.triton.trial import COST, DRAFT, Trial
from gptoss.backends.triton.weights import Weights, load_weights
from gptoss.engine.errors import BackendError, GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk, TokenScore
from gptoss.engine.progress import Progress, untold
from gptoss.engine.settings import Sampling

STEPWISE = 4
"""So many prompt tokens are computed faster one at a time than together."""

SCORED_ROWS = 256
"""Positions whose logits are in memory at a time while scoring."""


class TritonGenerator(OneAnswer):
    """A checkpoint with MXFP4 experts on a CUDA GPU, or on one each of several ranks."""

    name = "triton"
    _cache: KVCache

    def __init__(self, path: Path, *, device: str = "auto", group: Group = ALONE, progress: Progress = untold) -> None:
        """Load a checkpoint. `device` is "auto", "cuda" or "cuda:N"; see `TorchGenerator` for the others.

        CheckpointError or BackendError says what stands in the way, and what would work instead.
        """
        place = group.device if device == "auto" and group.device is not None else card.find(device)
        checkpoint = Checkpoint(path)
        try:
            shard = Shard(checkpoint, plan(checkpoint.config, group.rank, group.size), progress)
            if place.type == "cuda":
                torch.cuda.set_device(place)
                card.check_memory(path, checkpoint.bytes // group.size, place)
            with torch.inference_mode():
                self._start(load_weights(shard, place), checkpoint.fingerprint, group, checkpoint.written)
        except torch.OutOfMemoryError as error:
            raise BackendError(f"{path} does not fit the memory of {place}: use --backend torch on the CPU") from error
        finally:
            checkpoint.close()

    @classmethod
    def over(cls, weights: Weights, fingerprint: str, group: Group = ALONE, *, speculates: bool = True) -> Self:
        """With weights that are on the card already. `speculates`: with drafts, see `lookup`; never on several ranks,
        whose sums may be added in another order."""
        generator = cls.__new__(cls)
        generator._start(weights, fingerprint, group, speculates=speculates)
        return generator

    def _start(
        self, weights: Weights, fingerprint: str, group: Group, written: str = "", *, speculates: bool = True
    ) -> None:
        config, place = weights.plan.whole, weights.device
        super().__init__(config, card.chunk(config, place, group.size))
        tiles = card.division(place)
        self.fingerprint = fingerprint
        self.arithmetic = "Triton kernels, interpreted" if INTERPRETED else f"Triton kernels on {card.name(place)}"
        self._device = place.index if place.type == "cuda" else -1  # -1 is none
        self._cache = KVCache(weights.config, place)
        self._key = key_of(fingerprint, written, self.arithmetic)
        self._prefill = Prefill(weights, tiles.grouped, tiles.flash, group)
        graphs, dependent = Graphs(self._cache), card.dependent(place)
        self._prompts = Prompts(self._prefill, graphs)
        self._decoder = Decoder(weights, tiles.decoding, dependent=dependent, group=group)
        self._steps = Steps(self._decoder, graphs)
        self._trial: Trial | None = None
        if speculates and group.size == 1:
            few = Decoder(weights, tiles.decoding, tokens=1 + DRAFT, dependent=dependent, group=group)
            self._trial = Trial(few, graphs)

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`; parameters that mean nothing raise UsageError."""
        check(sampling)
        ids = self._checked(prompt)
        left = most_tokens(sampling, self.max_context - len(ids))
        answer = self._begin()

        # The last token is always computed, since the first new one is drawn from what it gives; and by a step, so that
        # the same comes of it when all before it is in the cache.
        done = kept = self._cache.keep(ids[:-1])
        self._reserve(min(len(ids) + left, self.max_context))
        while done < len(ids) - 1:
            if cancelled():
                return
            part = ids[done : min(done + self._at_once, len(ids) - 1)]
            self._compute(part)
            yield TokenChunk(prefilled=len(part), cached=kept if done == kept else 0)
            self._still(answer)
            done += len(part)
        if not left or cancelled():
            return
        first = True
        for token, logprob in self._drawn(ids, sampling, left):
            if token < 0:
                raise GenerationFailed("the model computed no usable numbers: the checkpoint may be damaged")
            yield TokenChunk(
                ids=(token,),
                prefilled=int(first),
                cached=kept if first and kept == len(ids) - 1 else 0,
                logprobs=(logprob,) if sampling.logprobs else None,
            )
            first = False
            self._still(answer)
            if token in stop_ids or cancelled():
                return

    @torch.inference_mode()
    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """See `gptoss.engine.ports.TokenGenerator`."""
        ids = self._checked(ids) if ids else []
        self._begin()
        scores: list[TokenScore] = []
        done = self._cache.keep(ids[: start - 1])
        self._reserve(len(ids))
        while done < len(ids) - 1:
            part = ids[done : min(done + self._at_once, len(ids) - 1)]
            with self._failing():
                hidden = self._prompts.hidden(part)
                self._cache.ids += part
                for begin in range(max(start - 1 - done, 0), len(part), SCORED_ROWS):
                    rows = hidden[begin : begin + SCORED_ROWS]
                    scores += scored(self._prefill.logits(rows), ids[done + begin + 1 :][: len(rows)])
            done += len(part)
        return scores

    def close(self) -> None:
        """Give the memory back; the generator is of no use afterwards."""
        for name in ("_steps", "_trial", "_decoder", "_prompts", "_prefill", "_cache"):
            self.__dict__.pop(name, None)

    def _drawn(self, ids: list[int], sampling: Sampling, left: int) -> Iterator[tuple[int, float]]:
        """The tokens after `ids` with their log probabilities. The next step is on its way before a token is taken."""
        if sampling.top_p < 1:
            yield from self._drawn_one_by_one(ids, sampling, left)
            return
        ids, end = list(ids), len(ids) + left
        trial, lookup = self._trial, Lookup(ids, DRAFT, COST) if self._trial else None
        with torch.inference_mode(), self._failing():
            self._decoder.ask(sampling)
            if trial:
                trial.decoder.ask(sampling)
                if len(ids) + DRAFT < end:
                    trial.compile(ids[-1], len(ids) - 1)
        on_the_way = 0
        while len(ids) < end:
            draft = lookup.draft() if lookup and len(ids) + DRAFT < end else []
            with torch.inference_mode(), self._failing():
                if trial and lookup and draft and not on_the_way:
                    drawn = trial.draw([ids[-1], *draft], len(ids) - 1)
                    lookup.learn(len(drawn))
                    self._cache.ids += [ids[-1], *(token for token, _ in drawn[:-1])]
                else:
                    if not on_the_way:
                        self._steps.begin(ids[-1], len(ids) - 1)
                        self._steps.launch()
                        self._cache.ids.append(ids[-1])
                        on_the_way = 1
                    if goes_on := not draft and len(ids) + 1 < end:
                        self._steps.launch()
                    drawn = [self._steps.take()]
                    if lookup and draft and drawn[0][0] != draft[0]:
                        lookup.learn(1)
                    on_the_way = int(goes_on)
                    if goes_on and drawn[0][0] >= 0:
                        self._cache.ids.append(drawn[0][0])
            for token, logprob in drawn:
                ids.append(token)
                if lookup:
                    lookup.add(token)
                yield token, logprob

    def _drawn_one_by_one(self, ids: list[int], sampling: Sampling, left: int) -> Iterator[tuple[int, float]]:
        """With `top_p`, which PyTorch draws."""
        ids = list(ids)
        while left:
            with torch.inference_mode(), self._failing():
                self._steps.begin(ids[-1], len(ids) - 1)
                logits = self._steps.logits()
                self._cache.ids.append(ids[-1])
                token = draw(logits, sampling, position=len(ids))
                logprob = min(float(logits[token] - logits.logsumexp(0)), 0.0)
            ids.append(token)
            left -= 1
            yield token, logprob

    @torch.inference_mode()
    def _compute(self, part: Sequence[int]) -> None:
        """Add tokens to the cache."""
        if len(part) > STEPWISE:
            self._fill(part)
            return
        with self._failing():
            for token in part:
                self._steps.begin(token, len(self._cache.ids))
                self._steps.logits()
                self._cache.ids.append(token)

    def _extend(self, part: Sequence[int], total: int) -> None:
        with torch.cuda.device(self._device):  # each thread has a current one of its own
            self._reserve(total)
            self._fill(part)

    def _fill(self, part: Sequence[int]) -> None:
        with self._failing():
            self._prompts.fill(part)
        self._cache.ids += part

    @torch.inference_mode()
    def _reserve(self, tokens: int) -> None:
        with self._failing():
            self._cache.reserve(tokens)

    def _failing(self) -> "_Failing":
        return _Failing()


class _Failing:
    """What goes wrong on the card, as an error of ours."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, torch.OutOfMemoryError):
            raise GenerationFailed("the card's memory is full: ask for a smaller --context") from error
        if isinstance(error, RuntimeError | triton.TritonError):
            raise GenerationFailed(f"the triton backend failed: {error}") from error
