"""Proof that a history still means what it meant.

Three layers above the hash chain, which reading the log checks: the history folds; every prompt that a model was given
can be derived again from the events before it, token for token; every sampled token parses to the messages recorded.
The first difference ends the check and is named, because what follows it would only be its echo.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from gptoss.engine.errors import DatabaseCorrupt, HistoryError
from gptoss.engine.events import (
    Event,
    GenerationFinished,
    GenerationStarted,
    MessageAppended,
    ParseRecovered,
    StoredEvent,
    TokensSampled,
)
from gptoss.engine.harmony import Harmony
from gptoss.engine.parsing import Malformed, MessageParsed, Parser, ParseUpdate
from gptoss.engine.recovery import event_of, reopen_parser
from gptoss.engine.reducer import reduce
from gptoss.engine.rendering import render_continuation, render_prompt, rendering_rules
from gptoss.engine.state import State


class Drift(Struct, frozen=True, kw_only=True):
    """The first event (its `seq`) at which a history and this release disagree, and how."""

    layer: Literal["chain", "fold", "prompt", "parse"]
    seq: int
    problem: str


class Verified(Struct, frozen=True, kw_only=True):
    """How much of a history was checked, and the drift that ended the check, if any.

    `redacted` counts prompts that cannot be derived again, because something they held was redacted later.
    """

    events: int
    prompts: int
    messages: int
    tokens: int
    redacted: int = 0
    drift: Drift | None = None


def verify(history: Iterable[StoredEvent], harmony: Harmony) -> Verified:
    """Check the history of one branch, from its first event on."""
    check = _Check(harmony)
    drift: Drift | None = None
    try:
        for stored in history:
            if drift := check.step(stored):
                break
    except DatabaseCorrupt as error:
        drift = Drift(layer="chain", seq=check.events + 1, problem=str(error))
    return Verified(
        events=check.events,
        prompts=check.prompts,
        messages=check.messages,
        tokens=check.tokens,
        redacted=check.redacted,
        drift=drift,
    )


class _Check:
    """Folds along, and parses each generation beside what is recorded of it."""

    def __init__(self, harmony: Harmony) -> None:
        self._harmony = harmony
        self._state: State | None = None
        self._parser: Parser | None = None
        self._expected: list[Event] = []
        self._generation = 0
        self._redacted = False
        self._blind = False  # some of this generation's tokens are redacted
        self.events = self.prompts = self.messages = self.tokens = self.redacted = 0

    def step(self, stored: StoredEvent) -> Drift | None:
        before, event = self._state, stored.event
        try:
            self._state = reduce(before, stored)
        except HistoryError as error:
            return Drift(layer="fold", seq=stored.seq, problem=str(error))
        self._redacted |= stored.redacted
        problem: str | None = None
        layer: Literal["prompt", "parse"] = "parse"
        if isinstance(event, GenerationStarted) and before is not None:
            layer, problem = "prompt", self._started(before, stored.seq, event)
        elif isinstance(event, TokensSampled):
            self._blind |= stored.redacted
            self._sampled(event)
        elif isinstance(event, ParseRecovered) or (isinstance(event, MessageAppended) and event.generation is not None):
            problem = self._recorded(event, redacted=stored.redacted)
        elif isinstance(event, GenerationFinished):
            problem = self._finished(event)
        if problem:
            return Drift(layer=layer, seq=stored.seq, problem=problem)
        self.events += 1
        return None

    def _started(self, before: State, seq: int, event: GenerationStarted) -> str | None:
        earlier = before.generation
        if event.continues is not None and earlier is not None:
            rules = rendering_rules(earlier.settings)
            prompt = render_continuation(before, earlier, self._harmony)
            self._parser, _ = reopen_parser(before, earlier, self._harmony)
        else:
            rules = rendering_rules(before.settings)
            prompt = render_prompt(before, self._harmony)
            self._parser = Parser(self._harmony)
            self._blind = False
        self._generation, self._expected = seq, []
        if event.rendering != rules:
            return f"the prompt was rendered by the rules {event.rendering!r} and is now by {rules!r}"
        if event.prompt_length != len(prompt.ids) or event.prompt_hash != prompt.hash:
            if self._redacted:
                self.redacted += 1
                return None
            return (
                f"the prompt that the model saw had {event.prompt_length} tokens with the hash {event.prompt_hash}; "
                f"the events now give {len(prompt.ids)} tokens with the hash {prompt.hash}"
            )
        self.prompts += 1
        return None

    def _sampled(self, event: TokensSampled) -> None:
        if self._parser is not None:
            self._expect(self._parser.feed(event.ids))
        self.tokens += len(event.ids)

    def _recorded(self, event: Event, *, redacted: bool) -> str | None:
        if not self._expected and self._parser is not None:
            # Only the message that a generation was cut off in is recorded before the parser saw its end.
            self._expect(self._parser.finish())
        expected = self._expected.pop(0) if self._expected else None
        if event != expected and not redacted:
            return f"the tokens now parse to {_describe(expected)} where {_describe(event)} was recorded"
        self.messages += isinstance(event, MessageAppended)
        return None

    def _finished(self, event: GenerationFinished) -> str | None:
        if event.reason != "stop" and self._parser is not None:
            self._expect(self._parser.finish())
        if self._expected and not self._blind:
            return f"the tokens now parse to {_describe(self._expected[0])}, which was not recorded"
        self._parser = None
        return None

    def _expect(self, updates: list[ParseUpdate]) -> None:
        found = (update for update in updates if isinstance(update, MessageParsed | Malformed))
        self._expected += [event_of(update, self._generation) for update in found]


def _describe(event: Event | None) -> str:
    match event:
        case MessageAppended():
            cut = " that was cut off" if event.partial else ""
            return f"a message on {event.message.channel}{cut}: {event.message.content[:60]!r}"
        case ParseRecovered():
            return f"a repair ({event.problem})"
        case _:
            return "nothing"
