"""The command line over a scripted model, for tests of a process as a whole: `python -m tests.cli.driver ARGUMENTS`.

`DRIVER_REPLIES` holds the replies as a JSON list of Harmony texts (see `tests.engine.harmony_text`), `DRIVER_DELAY` the
seconds between two tokens, `DRIVER_ARITHMETIC` what is said to compute them. Everything else (log, terminal, signals)
is the real thing.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.main import run
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import Cancelled, TokenChunk, TokenGenerator
from gptoss.engine.settings import Sampling
from tests.engine.harmony_text import tokens


class SlowGenerator(ScriptedGenerator):
    """A scripted model that takes its time."""

    arithmetic = os.environ.get("DRIVER_ARITHMETIC", "none")

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        delay = float(os.environ.get("DRIVER_DELAY", "0"))
        for chunk in super().generate(prompt, sampling, stop_ids, cancelled):
            if chunk.ids:
                time.sleep(delay)
            yield chunk


class ScriptedAdapters(Adapters):
    """The real adapters, except for the model."""

    def harmony(self) -> Harmony:
        self._harmony = super().harmony()
        return self._harmony

    def sampling(self, checkpoint: str | None) -> Sampling:
        return super().sampling(checkpoint) if checkpoint else Sampling()

    def generator(self, checkpoint: str | None, backend: str) -> TokenGenerator:
        if checkpoint is not None and not Path(checkpoint).exists():
            return super().generator(checkpoint, backend)
        replies = json.loads(os.environ.get("DRIVER_REPLIES", "[]"))
        return SlowGenerator(
            [tokens(self._harmony, reply) for reply in replies],
            max_context=int(os.environ.get("DRIVER_CONTEXT", "131072")),
        )


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], ScriptedAdapters()))
