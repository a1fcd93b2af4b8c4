"""Draws tokens inside vLLM as every backend of gptoss does: a function of (logits, seed, position) alone.

vLLM's own seeded sampling takes its random numbers one after the other, so that an answer continued from its tokens
would go on with other numbers than it would have had. This logits processor draws the token itself and leaves it as the
only one that is possible; how vLLM then samples makes no difference.

It runs in vLLM's worker. Requests that do not ask for it (`DRAW` among their extra arguments) are left alone.
"""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor, MoveDirectionality

from gptoss.backends.sampling import draw
from gptoss.backends.vllm.asking import DRAW
from gptoss.backends.vllm.batch import draw_batch
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.settings import Sampling

if TYPE_CHECKING:
    from vllm.config import VllmConfig


class SeededDraw(LogitsProcessor):  # type: ignore[misc]  # of a library that mypy does not see
    """The version 1 interface of vLLM's logits processors, which is told of every change of its batch."""

    def __init__(self, vllm_config: "VllmConfig", device: torch.device, is_pin_memory: bool) -> None:
        # Row -> how to draw, the length of the prompt, and vLLM's own list of the tokens sampled so far.
        self._rows: dict[int, tuple[Sampling, int, list[int]]] = {}

    @classmethod
    def validate_params(cls, sampling_params: SamplingParams) -> None:
        """Called where the request comes in; ValueError refuses it."""
        _wanted(sampling_params)

    def is_argmax_invariant(self) -> bool:
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """In the order that vLLM asks for: removed, added, moved."""
        if batch_update is None:
            return
        for row in batch_update.removed:
            self._rows.pop(row, None)
        for row, params, prompt, sampled in batch_update.added:
            sampling = _wanted(params)
            if sampling is None or prompt is None:
                self._rows.pop(row, None)
            else:
                self._rows[row] = (sampling, len(prompt), sampled)
        for source, target, direction in batch_update.moved:
            moved, other = self._rows.pop(source, None), self._rows.pop(target, None)
            if moved is not None:
                self._rows[target] = moved
            if other is not None and direction == MoveDirectionality.SWAP:
                self._rows[source] = other

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """`logits` is float32 [batch, vocabulary]; the rows that are drawn here are changed in place."""
        if not self._rows:
            return logits
        rows = list(self._rows)
        samplings, positions = zip(
            *((sampling, length + len(sampled)) for sampling, length, sampled in self._rows.values()), strict=True
        )
        if logits.is_cuda and len(rows) == len(logits):
            # All of the batch, as when somebody is alone: nothing to pick out.
            in_order = sorted(zip(rows, samplings, positions, strict=True), key=lambda one: one[0])
            tokens = draw_batch(logits, [one[1] for one in in_order], [one[2] for one in in_order])
            logits.fill_(-math.inf).scatter_(1, tokens.unsqueeze(1), 0.0)
            return logits
        if logits.is_cuda:
            index = torch.tensor(rows, pin_memory=True).to(logits.device, non_blocking=True)
            _leave(logits, index, draw_batch(logits[index], samplings, positions))
            return logits
        for row, sampling, position in zip(rows, samplings, positions, strict=True):
            # An error here would take everybody's engine down; of no numbers vLLM makes what it can.
            with suppress(GenerationFailed):
                _leave(logits, torch.tensor([row]), torch.tensor([draw(logits[row], sampling, position)]))
        return logits


def _leave(logits: torch.Tensor, rows: torch.Tensor, tokens: torch.Tensor) -> None:
    """Make these tokens the only ones that are possible in these rows."""
    logits.index_fill_(0, rows, -math.inf)
    logits[rows, tokens] = 0.0


def _wanted(params: SamplingParams) -> Sampling | None:
    """How a request asks to be drawn, if it does."""
    wanted: Any = (params.extra_args or {}).get(DRAW)
    if wanted is None:
        return None
    try:
        seed, temperature, top_p = wanted
        return Sampling(seed=int(seed), temperature=float(temperature), top_p=float(top_p))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{DRAW} must be [seed, temperature, top_p], not {wanted!r}") from error
