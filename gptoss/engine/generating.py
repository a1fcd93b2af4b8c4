"""One call of a generator, from its first token to its GenerationFinished."""

from collections.abc import Callable, Iterator, Sequence

from gptoss.engine.errors import GenerationFailed
from gptoss.engine.events import Event, FinishReason, GenerationFinished, ParseRecovered, StoredEvent
from gptoss.engine.journal import Journal
from gptoss.engine.parsing import Malformed, MessageParsed, Parser, ParseUpdate
from gptoss.engine.ports import Cancelled, TokenChunk, TokenGenerator
from gptoss.engine.recovery import event_of
from gptoss.engine.settings import Sampling
from gptoss.engine.tokens import STOP_IDS
from gptoss.engine.updates import Prefilled, Sampled, Update


class GenerationRun:
    """Samples, parses and records.

    `generation` is the seq of the GenerationStarted in the journal, `parser` has read what that generation continues.
    Every message is appended as it is completed; the last one together with the ending, in one transaction.
    """

    def __init__(
        self, journal: Journal, generation: int, parser: Parser, cancelled: Cancelled, clock: Callable[[], float]
    ) -> None:
        self._journal = journal
        self._generation = generation
        self._parser = parser
        self._cancelled = cancelled
        self._clock = clock
        self._begun = clock()
        self._prefilled = 0
        self._cached = 0
        self._first_token_ms: int | None = None
        self._last: int | None = None
        # Repairs are written together with the message that they led to, so that a crash never records one twice.
        self._held: list[Event] = []

    def sample(self, generator: TokenGenerator, prompt: Sequence[int], sampling: Sampling) -> Iterator[Update]:
        """Yield what the model writes. Closing the iterator interrupts; what was sampled is kept."""
        try:
            for chunk in generator.generate(prompt, sampling, STOP_IDS, self._cancelled):
                if chunk.prefilled:
                    self._prefilled += chunk.prefilled
                    self._cached += chunk.cached
                    yield Prefilled(chunk.prefilled, len(prompt), self._cached)
                if chunk.ids:
                    yield from self._take(chunk)
        except (GeneratorExit, KeyboardInterrupt):
            self._cut("interrupted")
            raise
        except GenerationFailed as error:
            yield from self._cut("error", str(error))
            raise
        if self._last not in STOP_IDS:
            yield from self._cut("interrupted" if self._cancelled() else "length")

    def _take(self, chunk: TokenChunk) -> Iterator[Update]:
        elapsed = self._elapsed_ms()
        if self._first_token_ms is None:
            self._first_token_ms = elapsed
        self._journal.sample(chunk.ids, elapsed, chunk.logprobs)
        self._last = chunk.ids[-1]
        shown: list[Update] = [Sampled(chunk.ids)]
        for token in chunk.ids:
            updates = self._parser.push(token)
            shown += (update for update in updates if not isinstance(update, MessageParsed | Malformed))
            self._hold(updates)
            if token in STOP_IDS:
                self._held.append(self._finished("stop", stop_token=token))
            if self._held and not isinstance(self._held[-1], ParseRecovered):
                events, self._held = self._held, []
                shown += self._journal.append(*events)
        # Whoever watches may leave at any update: by the first of them, parser and journal have all of the chunk.
        yield from shown

    def _cut(self, reason: FinishReason, error: str | None = None) -> list[StoredEvent]:
        """End without a stop token: the unfinished message is kept as a partial one."""
        if self._last in STOP_IDS:
            return []  # the answer is whole, only not all of it was watched
        self._hold(self._parser.finish())
        return self._journal.append(*self._held, self._finished(reason, error=error))

    def _hold(self, updates: list[ParseUpdate]) -> None:
        found = (update for update in updates if isinstance(update, MessageParsed | Malformed))
        self._held += [event_of(update, self._generation) for update in found]

    def _finished(
        self, reason: FinishReason, *, stop_token: int | None = None, error: str | None = None
    ) -> GenerationFinished:
        return GenerationFinished(
            reason=reason,
            stop_token=stop_token,
            prefilled=self._prefilled,
            first_token_ms=self._first_token_ms,
            elapsed_ms=self._elapsed_ms(),
            error=error,
        )

    def _elapsed_ms(self) -> int:
        return round((self._clock() - self._begun) * 1000)
