"""What of a session may be seen on its page: everything, or all but what a redactor removes."""

from collections.abc import Iterable, Sequence

from gptoss.engine.events import GenerationStarted, StoredEvent, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.settings import Settings
from gptoss.transcripts.prompts import redacted_tokens
from gptoss.transcripts.redaction import Redactor


class Mask:
    """Lets everything through unless there is a redactor, which must `learn` from everything before."""

    def __init__(self, harmony: Harmony, redactor: Redactor | None) -> None:
        self._harmony = harmony
        self._redactor = redactor
        self._batches: dict[tuple[str, int], Sequence[int]] = {}

    @property
    def hides(self) -> bool:
        return self._redactor is not None

    def learn(self, branches: Iterable[Iterable[StoredEvent]]) -> None:
        """Look at each branch's own events: for names, and for tokens that must go, as a secret may span batches."""
        if self._redactor is None:
            return
        events = [list(branch) for branch in branches]
        for stored in (stored for branch in events for stored in branch):
            if not isinstance(stored.event, TokensSampled):
                self._redactor.learn_from(stored.event)
        for branch in events:
            batches: list[tuple[StoredEvent, tuple[int, ...]]] = []
            for stored in branch:
                if isinstance(stored.event, TokensSampled):
                    batches.append((stored, stored.event.ids))
                elif isinstance(stored.event, GenerationStarted) and stored.event.continues is None:
                    self._note(batches)
                    batches.clear()
            self._note(batches)

    def text(self, text: str) -> str:
        return text if self._redactor is None else self._redactor.text(text)

    def settings(self, settings: Settings) -> Settings:
        return settings if self._redactor is None else self._redactor.value(settings, Settings)

    def ids(self, ids: Sequence[int]) -> Sequence[int]:
        """Tokens that make a whole; those that may not be seen are `gptoss.transcripts.prompts.REMOVED`."""
        if self._redactor is None:
            return ids
        return [token for token, _ in redacted_tokens(ids, self._harmony, self._redactor)]

    def batch(self, stored: StoredEvent, ids: Sequence[int]) -> Sequence[int]:
        """The tokens of a TokensSampled."""
        return self._batches.get((stored.branch, stored.seq), ids)

    def _note(self, batches: Sequence[tuple[StoredEvent, tuple[int, ...]]]) -> None:
        """Which of a generation's tokens go is found out over all of its batches."""
        seen = self.ids([token for _, ids in batches for token in ids])
        at = 0
        for stored, ids in batches:
            self._batches[stored.branch, stored.seq] = seen[at : at + len(ids)]
            at += len(ids)
