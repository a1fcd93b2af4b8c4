"""A rank that follows as others do until something goes wrong: FAULT says what."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from gptoss.backends.answering import NothingKept
from gptoss.backends.opening import open_generator
from gptoss.backends.parallel.following import Follower
from gptoss.backends.parallel.group import Ranks, meeting_point
from gptoss.backends.parallel.wire import Broken
from gptoss.backends.parallel.world import world
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk, TokenGenerator, TokenScore
from gptoss.engine.settings import Sampling


class Faulty(NothingKept):
    """Another generator, which goes wrong at its fifth token."""

    name = "torch"

    def __init__(self, own: TokenGenerator, fault: str) -> None:
        self._own = own
        self._fault = fault
        self.fingerprint = own.fingerprint
        self.max_context = own.max_context
        self.arithmetic = own.arithmetic

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        drawn = 0
        for chunk in self._own.generate(prompt, sampling, stop_ids, cancelled):
            drawn += len(chunk.ids)
            if drawn == 5 and self._fault == "drift":
                yield TokenChunk(ids=(chunk.ids[0] ^ 1,))
            elif drawn == 5 and self._fault == "fail":
                raise GenerationFailed("the disk is full of eels")
            elif drawn == 5 and self._fault == "hang":
                time.sleep(600)
            else:
                yield chunk

    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        return self._own.score(ids, start)

    def close(self) -> None:
        self._own.close()


def main() -> None:
    found = world()
    assert found is not None
    store = meeting_point(found)
    follower = Follower(found, store, "cpu", lambda: None)
    group = Ranks(found, store, torch.device("cpu"))

    def open_(backend: str, checkpoint: Path) -> TokenGenerator:
        return Faulty(open_generator(backend, checkpoint, group=group), os.environ["FAULT"])

    try:
        follower.follow(open_)
    except Broken:
        return


if __name__ == "__main__":
    main()
