"""The facts that a conversation is made of.

An event is frozen and named in the past tense. Events are all that is stored; everything else is a fold over them
(`gptoss.engine.reducer`). Adding a field with a default keeps a kind's version; any other change raises `VERSION` and
comes with an upcaster in `gptoss.storage.upcasters`.

A *sequence number* (`seq`) counts the events on the path from the root of a session's tree, from 1 and without gaps: a
branch forked at seq 7 begins with its `BranchForked` as seq 8. So a seq names one event on any one branch.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from gptoss.engine.message import Message
from gptoss.engine.settings import Sampling, Settings

FinishReason = Literal["stop", "length", "interrupted", "error", "crashed"]
ToolOutcome = Literal["ok", "error", "unavailable", "interrupted", "crashed"]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Base of all events. The name of the class is the event's kind."""

    VERSION: ClassVar[int] = 1

    @property
    def kind(self) -> str:
        return type(self).__name__

    @property
    def version(self) -> int:
        return self.VERSION


class SessionStarted(Event, frozen=True):
    """The first event of a session, and of its root branch."""

    session: str
    name: str
    settings: Settings


class SettingsChanged(Event, frozen=True):
    """From here on these settings hold; a generation that is under way keeps the ones it began with."""

    settings: Settings


class SessionRenamed(Event, frozen=True):
    name: str


class BranchForked(Event, frozen=True):
    """The first event of every branch but the root: it continues `parent` after the event `at_seq`.

    `name` is what people call the branch; it is unique within its session.
    """

    parent: str
    at_seq: int
    name: str


class HeadMoved(Event, frozen=True):
    """The branch that holds this event became the session's current one; `came_from` was it before.

    The current branch of a session is the one that holds the newest SessionStarted or HeadMoved.
    """

    came_from: str


class MessageAppended(Event, frozen=True):
    """A message is complete and part of the conversation.

    For what a model wrote, `generation` is the seq of its GenerationStarted and `span` the half-open range, within the
    generation's tokens, that the message was parsed from: those tokens go back into the next prompt as they are. A
    span of None (a user's message, or one recovered from malformed output) is rendered from the text instead. `partial`
    marks a message that was cut off before its end; a generation that continues it takes its place.
    """

    message: Message
    generation: int | None = None
    span: tuple[int, int] | None = None
    partial: bool = False


class GenerationStarted(Event, frozen=True):
    """A model is about to be asked.

    `model` is the backend's fingerprint of its checkpoint. `prompt_hash` is `gptoss.engine.rendering.prompt_hash` of
    the prompt's token ids, `rendering` the name of the rules that produced them. With `continues`, the seq of the
    GenerationStarted before it, the prompt ends with all that was sampled so far, and spans count from its beginning.
    `arithmetic` is what computed, in the backend's words: another one may sample other tokens.
    """

    backend: str
    model: str
    sampling: Sampling
    prompt_length: int
    prompt_hash: str
    rendering: str
    continues: int | None = None
    arithmetic: str | None = None


class TokensSampled(Event, frozen=True):
    """Consecutive sampled token ids: only the new ones, never a growing list.

    `elapsed_ms` is the time from the generation's start to the last of them.
    """

    ids: tuple[int, ...]
    elapsed_ms: int = 0
    logprobs: tuple[float, ...] | None = None


class GenerationFinished(Event, frozen=True):
    """A model call is over.

    `stop_token` is the token it really stopped at (200002 `<|return|>` or 200012 `<|call|>`), None when it was cut.
    `prefilled` is the number of prompt tokens that were computed, not taken from the cache. `error` is a sentence.
    """

    reason: FinishReason
    stop_token: int | None = None
    prefilled: int | None = None
    first_token_ms: int | None = None
    elapsed_ms: int | None = None
    error: str | None = None


class ToolCalled(Event, frozen=True):
    """A tool is about to run; written before it does, so that no side effect is ever unrecorded.

    `message` is the seq of the MessageAppended that holds the call.
    """

    message: int
    recipient: str


class Artefact(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A file that a tool produced, stored once in the log's blobs under `digest` (BLAKE2b-256, hex)."""

    digest: str
    name: str
    media_type: str
    size: int


class ToolReturned(Event, frozen=True):
    """A tool is over; its messages follow as MessageAppended. `call` is the seq of the ToolCalled."""

    call: int
    outcome: ToolOutcome
    duration_ms: int = 0
    artefacts: tuple[Artefact, ...] = ()


class ContextTrimmed(Event, frozen=True):
    """The prompt outgrew the context: messages up to and including seq `through` no longer go into it."""

    through: int
    dropped_tokens: int


class ParseRecovered(Event, frozen=True):
    """The model wrote something that is not Harmony; what could be read was kept, and nothing was thrown away.

    `problem` is a sentence; `span` the tokens of the generation concerned.
    """

    generation: int
    span: tuple[int, int]
    problem: str


class PayloadRedacted(Event, frozen=True):
    """The payload of event `seq`, on the branch that holds this event or above, was removed from the log on purpose."""

    seq: int
    reason: str = ""


class UnknownEvent(Event, frozen=True):
    """An event of a kind or version that this release does not know: kept, shown as unknown, never dropped.

    `payload` and `tokens` are what its row holds (JSON; packed token ids, if any). Both are empty when the payload was
    redacted.
    """

    name: str
    schema_version: int
    payload: str
    tokens: bytes | None = None

    @property
    def kind(self) -> str:
        return self.name

    @property
    def version(self) -> int:
        return self.schema_version


KINDS: dict[str, type[Event]] = {
    cls.__name__: cls
    for cls in (
        SessionStarted,
        SettingsChanged,
        SessionRenamed,
        BranchForked,
        HeadMoved,
        MessageAppended,
        GenerationStarted,
        TokensSampled,
        GenerationFinished,
        ToolCalled,
        ToolReturned,
        ContextTrimmed,
        ParseRecovered,
        PayloadRedacted,
    )
}


class StoredEvent(Struct, frozen=True, gc=False):
    """An event and the row that holds it.

    `branch` is the id of the branch that the row belongs to (an ancestor's, for events before a fork). `position` is
    the row's key in its log: no other event has it, and it rises along a branch. `time` is in microseconds since
    1970-01-01 UTC. `redacted` says that `event` is what was left of it, see `gptoss.engine.redaction`.
    """

    branch: str
    seq: int
    position: int
    time: int
    event: Event
    redacted: bool = False
