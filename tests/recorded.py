"""Histories as the engine records them, over a log in memory and a scripted model."""

from collections.abc import Callable, Iterator, Sequence

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.harmony import Harmony
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.updates import Sampled, Update
from gptoss.storage.memory import MemoryLog
from tests.engine.harmony_text import tokens

SETTINGS = Settings(start_date="2026-01-02")

ANSWER = (
    "<|channel|>analysis<|message|>The user greets.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>Hello there!<|return|>"
)
CALL = "<|channel|>analysis to=python code<|message|>print(1 + 1)<|call|>"
RESULT = "<|channel|>final<|message|>It is 2.<|return|>"
MALFORMED = "<|channel|><|message|>No channel.<|return|>"


class Recording:
    """A session "a" whose model gives the replies, one after the other; `stop_after` counts updates to a Ctrl-C."""

    def __init__(self, harmony: Harmony, replies: Sequence[str]) -> None:
        self.log = MemoryLog()
        self.harmony = harmony
        self.session = self.log.start("a", SETTINGS)
        self._generator = ScriptedGenerator([tokens(harmony, reply) for reply in replies])
        self._stop = False

    def open(self, **sampling: int) -> Conversation:
        """The conversation as another process would open it."""
        return Conversation(
            self.log,
            self.session.branch,
            harmony=self.harmony,
            generator=self._generator,
            seed=lambda: 7,
            sampling=Sampling(**sampling),
            cancelled=lambda: self._stop,
        )

    def interrupted(self, updates: Iterator[Update], *, after: int) -> list[Update]:
        """All updates of a turn that is stopped once `after` of them, other than tokens, have come."""
        seen: list[Update] = []
        for update in updates:
            seen.append(update)
            self._stop = sum(not isinstance(each, Sampled) for each in seen) >= after
        self._stop = False
        return seen


Record = Callable[[Sequence[str]], Recording]
