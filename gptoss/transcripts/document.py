"""A branch of a session as one document: what was said, by which generations, through which tools.

`gptoss export --format json` writes it. The format is a contract: `format` and `version` come first; keys are only ever
added within a version, and a key whose value would be null or its default may be absent. All times are ISO 8601 in UTC.

    {"format": "gptoss-transcript", "version": 1,
     "session": {"id", "name", "started", "updated", "head", "turns"},
     "settings": {...},                     # as of the end
     "messages": [...],                     # in the order they were said, `Line` below
     "generations": [...], "tool_calls": [...], "notes": [...]}

`seq` numbers are those of the log: a message, generation or tool call is found under its number, and refers to others
by theirs. `docs/export.md` describes the format, `docs/transcript.schema.json` is its JSON Schema.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import (
    Artefact,
    BranchForked,
    ContextTrimmed,
    FinishReason,
    GenerationStarted,
    ParseRecovered,
    PayloadRedacted,
    SessionRenamed,
    StoredEvent,
    TokensSampled,
    ToolCalled,
    ToolOutcome,
    ToolReturned,
    UnknownEvent,
)
from gptoss.engine.message import Role
from gptoss.engine.reducer import reduce
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.state import Entry, Generation, State
from gptoss.transcripts.times import iso

FORMAT = "gptoss-transcript"
VERSION = 1


class About(Struct, frozen=True, kw_only=True):
    """`head` is the seq of the newest event, `turns` the number of the user's messages."""

    id: str
    name: str
    started: str
    updated: str
    head: int
    turns: int


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message of the conversation.

    `role`, `channel`, `recipient`, `name` and `content_type` are those of the Harmony format. `turn` counts from 1.
    `tokens` is the number of tokens it was sampled as, `generation` the seq of the generation that wrote it. `partial`
    marks an answer that was cut off and not continued.
    """

    seq: int
    turn: int
    time: str
    role: Role
    channel: str | None = None
    recipient: str | None = None
    name: str | None = None
    content_type: str | None = None
    content: str
    generation: int | None = None
    tokens: int | None = None
    partial: bool = False


class Made(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A generation: one call of the model. `reason` is absent while it runs; times are in milliseconds."""

    seq: int
    time: str
    backend: str
    model: str
    sampling: Sampling
    prompt_tokens: int
    continues: int | None = None
    sampled_tokens: int = 0
    prefilled_tokens: int | None = None
    first_token_ms: int | None = None
    elapsed_ms: int | None = None
    reason: FinishReason | None = None
    stop_token: int | None = None
    error: str | None = None


class Called(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool call. `message` is the seq of the message that made it; `outcome` is absent while it runs."""

    seq: int
    time: str
    message: int
    recipient: str
    outcome: ToolOutcome | None = None
    duration_ms: int | None = None
    artefacts: tuple[Artefact, ...] = ()


class Note(Struct, frozen=True, kw_only=True):
    """Something that happened beside the conversation, as a sentence. `kind` is the event's."""

    seq: int
    time: str
    kind: str
    text: str


class Document(Struct, frozen=True, kw_only=True):
    """See the top of this module."""

    format: str = FORMAT
    version: int = VERSION
    session: About
    settings: Settings
    messages: tuple[Line, ...]
    generations: tuple[Made, ...]
    tool_calls: tuple[Called, ...]
    notes: tuple[Note, ...]


def document(events: Iterable[StoredEvent]) -> Document:
    """The document of a branch, from its first event on. Raises HistoryError as `gptoss.engine.reducer` does."""
    state: State | None = None
    times: dict[int, str] = {}
    generations: dict[int, Made] = {}
    calls: dict[int, Called] = {}
    notes: list[Note] = []
    for stored in events:
        state = reduce(state, stored)
        event, seq = stored.event, stored.seq
        if isinstance(event, TokensSampled):
            continue  # most of a log; their number is known at the end of a generation
        time = times[seq] = iso(stored.time)
        if isinstance(event, GenerationStarted):
            generations[seq] = _made(event, seq, time)
        elif isinstance(event, ToolCalled):
            calls[seq] = Called(seq=seq, time=time, message=event.message, recipient=event.recipient)
        elif isinstance(event, ToolReturned):
            calls[event.call] = replace(
                calls[event.call], outcome=event.outcome, duration_ms=event.duration_ms, artefacts=event.artefacts
            )
        elif text := note(stored):
            notes.append(Note(seq=seq, time=time, kind=event.kind, text=text))
        if state.generation is not None:
            generations[state.generation.seq] = _so_far(generations[state.generation.seq], state.generation)
    if state is None:
        raise HistoryError("a session without events cannot be exported")
    return Document(
        session=About(
            id=state.session,
            name=state.name,
            started=next(iter(times.values())),
            updated=iso(stored.time),
            head=state.seq,
            turns=state.turn,
        ),
        settings=state.settings,
        messages=tuple(_line(entry, times[entry.seq]) for entry in state.entries),
        generations=tuple(generations.values()),
        tool_calls=tuple(calls.values()),
        notes=tuple(notes),
    )


def without_reasoning(document: Document) -> Document:
    """The document without what the model only thought. Tool calls stay, on whatever channel they were made."""
    kept = (
        line
        for line in document.messages
        if line.role != "assistant" or line.channel != "analysis" or line.recipient is not None
    )
    return replace(document, messages=tuple(kept))


def to_json(document: Document) -> str:
    """Indented JSON, ending with a newline."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def note(stored: StoredEvent) -> str | None:
    """A sentence for an event that is no message, generation or tool call, None for those that need none."""
    event = stored.event
    if isinstance(event, ParseRecovered):
        return f"malformed output was repaired: {event.problem}"
    if isinstance(event, ContextTrimmed):
        return f"the conversation outgrew the context: {event.dropped_tokens} tokens of it no longer go into the prompt"
    if isinstance(event, SessionRenamed):
        return f"the session was renamed to {event.name}"
    if isinstance(event, BranchForked):
        return f"the branch {event.name} begins here"
    if isinstance(event, PayloadRedacted):
        return f"event {event.seq} was redacted" + (f": {event.reason}" if event.reason else "")
    if isinstance(event, UnknownEvent):
        if not event.payload:
            return f"{event.kind}: its content was redacted"
        return f"{event.kind} (version {event.version}): unknown to this release of gptoss, kept as it is"
    return None


def _made(event: GenerationStarted, seq: int, time: str) -> Made:
    return Made(
        seq=seq,
        time=time,
        backend=event.backend,
        model=event.model,
        sampling=event.sampling,
        prompt_tokens=event.prompt_length,
        continues=event.continues,
    )


def _so_far(made: Made, generation: Generation) -> Made:
    sampled = len(generation.ids) - generation.inherited
    finished = generation.finished
    if finished is None:
        return replace(made, sampled_tokens=sampled)
    return replace(
        made,
        sampled_tokens=sampled,
        prefilled_tokens=finished.prefilled,
        first_token_ms=finished.first_token_ms,
        elapsed_ms=finished.elapsed_ms,
        reason=finished.reason,
        stop_token=finished.stop_token,
        error=finished.error,
    )


def _line(entry: Entry, time: str) -> Line:
    message = entry.message
    return Line(
        seq=entry.seq,
        turn=entry.turn,
        time=time,
        role=message.role,
        channel=message.channel,
        recipient=message.recipient,
        name=message.name,
        content_type=message.content_type,
        content=message.content,
        generation=entry.generation,
        tokens=None if entry.tokens is None else len(entry.tokens),
        partial=entry.partial,
    )
