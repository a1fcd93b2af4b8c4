"""What the generators have in common whose model is in this process: one answer at a time, over one cache."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import torch

from gptoss.backends.answering import checked_ids
from gptoss.backends.cached import Cached
from gptoss.backends.config import ModelConfig
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk


class OneAnswer(ABC):
    """Beginning another answer ends the one before. `_cache` and its `_key` are the subclass's to make."""

    _cache: Cached
    _key: Mapping[str, str]

    def __init__(self, config: ModelConfig, at_once: int) -> None:
        """`config` is the whole model's; `at_once` is how many tokens of a prompt are computed at a time."""
        self.max_context = config.max_context
        self._vocabulary = config.vocab_size
        self._windows = config.windows
        self._at_once = at_once
        self._answer = 0

    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`."""
        ids = self._checked(ids)
        if self._cache.holds(ids):
            return
        answer = self._begin()
        done = kept = self._cache.keep(ids)
        while done < len(ids) and not cancelled():
            part = ids[done : done + self._at_once]
            with torch.inference_mode():
                self._extend(part, len(ids))
            yield TokenChunk(prefilled=len(part), cached=kept if done == kept else 0)
            self._still(answer)
            done += len(part)

    @torch.inference_mode()
    def store(self, ids: Sequence[int], file: Path, most: int) -> int:
        """See `gptoss.engine.ports.TokenGenerator`."""
        with self._failing():
            return self._cache.store(file, self._key, ids, self._windows, most)

    @torch.inference_mode()
    def recall(self, ids: Sequence[int], file: Path) -> int:
        """See `gptoss.engine.ports.TokenGenerator`."""
        self._begin()
        with self._failing():
            return self._cache.recall(file, self._key, ids, self._windows)

    @abstractmethod
    def _extend(self, part: Sequence[int], total: int) -> None:
        """Compute tokens on top of the cache, which will hold `total` of them in the end."""

    @abstractmethod
    def _failing(self) -> AbstractContextManager[None]:
        """What goes wrong where it is computed, as an error of ours."""

    def _checked(self, ids: Sequence[int]) -> list[int]:
        return checked_ids(ids, self._vocabulary, self.max_context)

    def _begin(self) -> int:
        self._answer += 1
        return self._answer

    def _still(self, answer: int) -> None:
        if self._answer != answer:
            raise GenerationFailed("this answer ended because another one was begun on the same generator")
