"""Asking again: each recorded generation sampled once more from its recorded prompt and seed.

A token is a function of (logits, seed, position), so the same model on the same arithmetic draws the same tokens. Where
another backend or machine draws another one, both are scored: a difference between two tokens that are nearly as likely
is noise of the arithmetic, any other one is not.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from gptoss.engine.events import Artefact, Event, MessageAppended, StoredEvent, ToolCalled, ToolReturned
from gptoss.engine.generations import RecordedGeneration
from gptoss.engine.message import Message
from gptoss.engine.ports import Cancelled, TokenGenerator, Tool, ToolCall, ToolResult
from gptoss.engine.recovery import tool_message
from gptoss.engine.settings import ToolSpec
from gptoss.engine.tokens import STOP_IDS


class Difference(Struct, frozen=True, kw_only=True):
    """The first token that came out otherwise: its index in the generation, and what either choice scores now.

    `sampled` is None when the rerun ended where the recording went on.
    """

    index: int
    recorded: int
    recorded_logprob: float
    sampled: int | None
    sampled_logprob: float | None


class Rerun(Struct, frozen=True, kw_only=True):
    """A generation sampled again: `same` tokens agreed with the `tokens` recorded, up to the difference, if any."""

    generation: RecordedGeneration
    same: int
    difference: Difference | None = None

    @property
    def tokens(self) -> int:
        return len(self.generation.ids)


def rerun(
    generations: Iterable[RecordedGeneration], generator: TokenGenerator, cancelled: Cancelled = lambda: False
) -> Iterator[Rerun]:
    """Sample each generation again, up to its first difference. Those without a token are left out. Lazy."""
    for generation in generations:
        if cancelled():
            return
        if generation.ids:
            yield _again(generation, generator, cancelled)


def _again(generation: RecordedGeneration, generator: TokenGenerator, cancelled: Cancelled) -> Rerun:
    ids = generation.ids
    sampling = replace(generation.started.sampling, max_tokens=len(ids), logprobs=False)
    same, other = 0, None
    chunks = generator.generate(generation.prompt.ids, sampling, STOP_IDS, cancelled)
    for token in (token for chunk in chunks for token in chunk.ids):
        if token != ids[same]:
            other = token
            break
        same += 1
    if same == len(ids) or (other is None and cancelled()):
        return Rerun(generation=generation, same=same)
    before = [*generation.prompt.ids, *ids[:same]]
    difference = Difference(
        index=same,
        recorded=ids[same],
        recorded_logprob=_logprob(generator, before, ids[same]),
        sampled=other,
        sampled_logprob=None if other is None else _logprob(generator, before, other),
    )
    return Rerun(generation=generation, same=same, difference=difference)


def _logprob(generator: TokenGenerator, before: list[int], token: int) -> float:
    (score,) = generator.score([*before, token], len(before))
    return score.logprob


class RecordedTool:
    """Gives the results that a history has for the calls that it has, in their order. It never runs anything."""

    def __init__(self, name: str, results: dict[Message, list[ToolResult]]) -> None:
        self.spec = ToolSpec(name=name)
        self._results = results

    async def run(self, call: ToolCall) -> ToolResult:
        """The recorded result of an equal call, or a result that says there is none."""
        if results := self._results.get(call.message):
            return results.pop(0)
        recipient = call.message.recipient or ""
        text = "Error: this is a rerun, and the recording has no such call."
        return ToolResult(messages=(tool_message(recipient, text, call.message.channel),), outcome="unavailable")


def recorded_tools(history: Iterable[StoredEvent]) -> dict[str, Tool]:
    """A tool for each that was called in a history, answering as it did then."""
    results: dict[Message, list[ToolResult]] = {}
    names: set[str] = set()
    messages: dict[int, Message] = {}
    called: ToolCalled | None = None
    returned: ToolReturned | None = None
    for stored in history:
        event: Event = stored.event
        if isinstance(event, ToolCalled):
            called, returned = event, None
            names.add(event.recipient.removeprefix("functions.").partition(".")[0])
        elif isinstance(event, ToolReturned):
            returned = event
        elif isinstance(event, MessageAppended):
            messages[stored.seq] = event.message
            if called is not None and returned is not None and event.message.role == "tool":
                artefacts: tuple[Artefact, ...] = returned.artefacts
                result = ToolResult(messages=(event.message,), outcome=returned.outcome, artefacts=artefacts)
                results.setdefault(messages[called.message], []).append(result)
                called = None
    return {name: RecordedTool(name, results) for name in names}
