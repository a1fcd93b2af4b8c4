"""What the caches of keys and values of our own backends have in common: one sequence of tokens, and a file for it."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import torch

from gptoss.backends import saved
from gptoss.engine.prefix import common_prefix

LEAST = 1024
"""Tokens that are worth a file; fewer are computed again in a moment."""


class Cached(ABC):
    """`ids` are the tokens whose keys and values are held."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        self._least = 0  # tokens that must stay: layers with a window lack what fewer of them would see

    @property
    @abstractmethod
    def rows(self) -> Sequence[torch.Tensor]:
        """A view of each layer, [2 * kv_heads, capacity, head_dim], keys before values."""

    @abstractmethod
    def reserve(self, tokens: int) -> object:
        """Make room for so many tokens in all."""

    def holds(self, prompt: Sequence[int]) -> bool:
        """Whether nothing of `prompt` is missing."""
        return self._shared(prompt) == len(prompt)

    def keep(self, prompt: Sequence[int]) -> int:
        """Forget all but what `prompt` begins with, and say how many tokens of it that leaves."""
        shared = self._shared(prompt)
        del self.ids[shared:]
        if not shared:
            self._least = 0
        return shared

    def store(
        self, file: Path, key: Mapping[str, str], ids: Sequence[int], windows: Sequence[int | None], most: int
    ) -> int:
        """Write what is held of `ids` to a file, see `gptoss.backends.saved`: how many tokens are in it."""
        shared = self._shared(ids)
        if shared < LEAST or (self._least and shared < self._least + saved.TAIL):
            return 0  # it is not worth it, or lacks itself what would be missing at the end of the file
        with suppress(OSError):
            if saved.ids_in(file, key) == list(ids[:shared]):
                os.utime(file)
                return shared
            if saved.write(file, key, ids[:shared], self.rows, windows, most):
                return shared
        return 0

    def recall(self, file: Path, key: Mapping[str, str], ids: Sequence[int], windows: Sequence[int | None]) -> int:
        """Hold what a file has of `ids`, if that is more than what is held of them: how many tokens are held."""
        shared = self._shared(ids)
        found = saved.read(file, key, ids, self.rows, windows)
        if found is None or len(found.ids) <= shared:
            return shared
        count = len(found.ids)
        self.ids.clear()
        self.reserve(count)
        kept = [saved.positions(count, window) for window in windows]
        for rows, layer, places in zip(self.rows, found.layers, kept, strict=True):
            rows[:, places.start : places.stop] = layer
        # First what limits their use: Ctrl-C may come between the two.
        self._least = count - saved.TAIL if any(places.start for places in kept) else 0
        self.ids += found.ids
        return count

    def _shared(self, prompt: Sequence[int]) -> int:
        shared = common_prefix(self.ids, prompt)
        return shared if shared >= self._least else 0
