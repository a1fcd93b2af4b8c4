"""The one writer of a branch.

A journal appends events to the log, folds what it appended, and makes sampled tokens durable within 100 ms or 40
tokens, whichever comes first. Writing tokens happens on a thread of its own, so that neither a slow disk holds up the
model nor a slow model holds back a token that it has already drawn.
"""

import threading
from collections.abc import Iterator, Sequence
from time import monotonic

from gptoss.engine.events import Event, StoredEvent, TokensSampled
from gptoss.engine.ports import EventLog
from gptoss.engine.reducer import fold
from gptoss.engine.state import State

BATCH_TOKENS = 40
BATCH_SECONDS = 0.1


class Journal:
    """`state` is the fold of all that the branch holds, as far as this journal wrote or read it."""

    def __init__(self, log: EventLog, branch: str) -> None:
        self._log = log
        self.branch = branch
        self.state: State = fold(log.read(branch))
        self._writing = threading.Lock()
        self._wake = threading.Condition()
        self._ids: list[int] = []
        self._logprobs: list[float] = []
        self._elapsed_ms = 0
        self._deadline = 0.0
        self._failure: Exception | None = None
        self._closed = False
        self._thread: threading.Thread | None = None

    def append(self, *events: Event, durable: bool = True) -> list[StoredEvent]:
        """Append events, after the tokens that still wait. All or none; raises what `EventLog.append` raises."""
        with self._writing:
            self._failure = None
            return self._append(events, durable=durable)

    def sample(self, ids: Sequence[int], elapsed_ms: int, logprobs: Sequence[float] | None = None) -> None:
        """Take sampled tokens; they are in the log soon. Raises the error of a batch that could not be written."""
        with self._wake:
            if self._failure is not None:
                raise self._failure
            if not self._ids:
                self._deadline = monotonic() + BATCH_SECONDS
            self._ids.extend(ids)
            self._logprobs.extend(logprobs or ())
            self._elapsed_ms = elapsed_ms
            if self._thread is None:
                self._thread = threading.Thread(target=self._flush_forever, name="gptoss-journal", daemon=True)
                self._thread.start()
            if len(self._ids) == len(ids) or len(self._ids) >= BATCH_TOKENS:
                self._wake.notify()

    def close(self) -> None:
        """Write what waits and stop the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()

    def _flush_forever(self) -> None:
        while True:
            with self._wake:
                while not self._is_due():
                    if self._closed and not self._ids:
                        return
                    self._wake.wait(max(0.0, self._deadline - monotonic()) if self._ids else None)
            with self._writing:
                try:
                    self._append((), durable=False)
                except Exception as error:  # noqa: BLE001  it is raised where the tokens come from
                    self._failure, self._thread = error, None
                    return

    def _is_due(self) -> bool:
        if self._failure is not None or not self._ids:
            return False
        return self._closed or len(self._ids) >= BATCH_TOKENS or monotonic() >= self._deadline

    def _append(self, events: Sequence[Event], *, durable: bool) -> list[StoredEvent]:
        with self._wake:
            waiting = len(self._ids)
            ids, logprobs = tuple(self._ids), tuple(self._logprobs)
            elapsed_ms = self._elapsed_ms
        if waiting:
            batch = TokensSampled(ids=ids, elapsed_ms=elapsed_ms, logprobs=logprobs or None)
            events = (batch, *events)
        if not events:
            return []
        # What does not fold must not be written: nobody could open the branch again.
        state = fold(_imagined(events, self.state.seq), self.state)
        stored = self._log.append(self.branch, self.state.seq, events, durable=durable)
        # Only now are they written: tokens that could not be wait for the next attempt.
        with self._wake:
            del self._ids[:waiting]
            del self._logprobs[: len(logprobs)]
            self._deadline = monotonic() + BATCH_SECONDS
        self.state = state
        return stored[1:] if waiting else stored


def _imagined(events: Sequence[Event], seq: int) -> Iterator[StoredEvent]:
    """The events as they will be stored after `seq`, as far as a fold looks at them."""
    for number, event in enumerate(events, seq + 1):
        yield StoredEvent(branch="", seq=number, position=0, time=0, event=event)
