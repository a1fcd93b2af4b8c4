"""What the engine asks of the world: a log, a model, tools.

Each port has several adapters and one contract suite (`tests/contracts`) that every adapter passes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct

from gptoss.engine.events import Artefact, Event, StoredEvent, ToolOutcome
from gptoss.engine.message import Message
from gptoss.engine.records import Record, SessionRecords
from gptoss.engine.redaction import Redaction
from gptoss.engine.searching import SearchHit, SearchRequest
from gptoss.engine.settings import Sampling, Settings, ToolSpec

Cancelled = Callable[[], bool]
"""Asked between steps; True means stop now and keep what there is."""


class BranchInfo(Struct, frozen=True, kw_only=True):
    """A branch as the log's projections know it; `head` is the seq of its newest event, `parent` None for the root."""

    id: str
    session: str
    name: str
    parent: str | None
    at_seq: int
    head: int


class SessionInfo(Struct, frozen=True, kw_only=True):
    """A session as the log's projections know it.

    `branch` is the id of its current branch. `created` and `updated` are in microseconds since 1970-01-01 UTC.
    `messages` counts what the user and the model said on any branch, reasoning and tool traffic left out; `preview` is
    the beginning of the user's first message, on one line.
    """

    id: str
    name: str
    branch: str
    created: int
    updated: int
    messages: int
    preview: str


class Holder(Struct, frozen=True, kw_only=True):
    """The process that writes to a branch: its id and host, and when it last said so (microseconds since 1970)."""

    pid: int
    host: str
    heartbeat: int


class Lease(Protocol):
    """The right to write to a branch, as far as courtesy goes: `append` is guarded by the head alone.

    A context manager. It is renewed by itself; `lost` says that somebody has taken it over.
    """

    lost: bool

    def release(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class Collected(Struct, frozen=True, kw_only=True):
    """What `collect` gave back.

    `blobs` counts the stored files that nothing referred to, None when they were left alone because somebody writes at
    the moment. `before` and `after` are the bytes that the database takes, None where there is no telling. `erased` is
    False when another process kept the file busy, so that it could not shrink yet.
    """

    blobs: int | None
    before: int | None = None
    after: int | None = None
    erased: bool = True


class Fault(Struct, frozen=True, kw_only=True):
    """Something wrong with what a log keeps beside the events, as a sentence; whether `repair` can put it right.

    `session` is a name, None where it is no session's, or nobody can tell whose.
    """

    session: str | None
    problem: str
    repairable: bool = False


class EventReader(Protocol):
    """The reading half of an `EventLog`: for commands that only show what there is."""

    def read(
        self, branch: str, after: int = 0, until: int | None = None, *, thorough: bool = False
    ) -> Iterable[StoredEvent]:
        """The events on the path from the root to the branch's head, ancestors' included, with after < seq <= until.

        The hash chain is checked on the way: an event that is not as it was written raises DatabaseCorrupt. Lazy; in
        the order of seq. `thorough` looks at what no event depends on, too, such as each hash that the log keeps.
        """
        ...

    def session(self, name: str) -> SessionInfo:
        """The session of that name, or SessionNotFound."""
        ...

    def sessions(self) -> list[SessionInfo]:
        """All sessions, the most recently used first."""
        ...

    def branch(self, branch: str) -> BranchInfo:
        """The branch with that id, or SessionNotFound."""
        ...

    def branches(self, session: str) -> list[BranchInfo]:
        """All branches of the session with that id, oldest first."""
        ...

    def holder(self, branch: str) -> Holder | None:
        """Who writes to the branch with that id at the moment; None when nobody does who still lives."""
        ...

    def search(self, request: SearchRequest) -> list[SearchHit]:
        """The messages that match, the best first: by whole words, or within words where no message has all of them.

        A message that was cut off and completed later is found once, a developer message once a session.
        """
        ...

    def records(self, branch: str, after: int = 0, until: int | None = None) -> Iterator[Record]:
        """What `read` reads, as the log holds it. Lazy; the chain is checked on the way."""
        ...

    def faults(self, session: str | None = None) -> list[Fault]:
        """What is wrong beside the events, which `read` checks: in the list of sessions, the branches, the blobs.

        With the id of a session, what concerns that one.
        """
        ...

    def get_blob(self, digest: str) -> bytes:
        """The bytes with that digest, or StorageError."""
        ...

    def close(self) -> None: ...


class EventLog(EventReader, Protocol):
    """An append-only store of events, durable before `append` returns.

    Errors: `SessionNotFound`, `SessionExists`, `HeadConflict` and the other `StorageError`s of
    `gptoss.engine.errors`; a call that raises has written nothing.
    """

    def start(self, name: str, settings: Settings) -> SessionInfo:
        """A new session: its root branch "main" holds SessionStarted as seq 1. SessionExists when the name is taken."""
        ...

    def append(
        self, branch: str, expected_seq: int, events: Sequence[Event], *, durable: bool = True
    ) -> list[StoredEvent]:
        """Append all events or none, after the head `expected_seq`; another head raises HeadConflict.

        `durable` asks that the events survive a loss of power, not only of the process.
        """
        ...

    def fork(self, branch: str, at_seq: int, name: str | None = None) -> BranchInfo:
        """A new branch that shares the path up to `at_seq` (1 or more, at most the head) and begins with BranchForked.

        Nothing is copied. Without a name the log picks a free one.
        """
        ...

    def acquire(self, branch: str, *, take_over: bool = False) -> Lease:
        """Become the one who writes to a branch. BranchBusy names who does already, unless that one is taken over."""
        ...

    def delete(self, session: str) -> None:
        """Remove the session with that id: its rows, and blobs that nothing else refers to."""
        ...

    def redact(self, branch: str, seq: int, reason: str = "") -> Redaction:
        """Remove what the event `seq` on the path to the branch's head says, for good, wherever it is kept.

        PayloadRedacted is appended; the chain stays whole. See `gptoss.engine.redaction` for what is left and what goes
        with it. UsageError for an event that the history cannot do without, or that is not there.
        """
        ...

    def collect(self, *, thorough: bool = False) -> Collected:
        """Return the space of what was deleted. `thorough` writes the whole database anew, which takes as much room."""
        ...

    def repair(self) -> None:
        """Compute all again that can be computed from the events. DatabaseCorrupt when those are damaged themselves."""
        ...

    def put_blob(self, data: bytes) -> str:
        """Store bytes once and return their digest (BLAKE2b-256, hex)."""
        ...

    def restore(self, sessions: Sequence[SessionRecords]) -> list[SessionInfo]:
        """Take in whole sessions with their ids, times and hashes: all of them or none.

        The chain is checked first: RecordRefused names the first record that is not as it was written. SessionExists
        when a name is taken. A session whose ids are in use, such as one that was exported from this very log, becomes
        a copy with ids and hashes of its own.
        """
        ...


class TokenChunk(Struct, frozen=True, kw_only=True):
    """What a generator yields: some new ids, or none while a long prompt is still being computed.

    `prefilled` is the number of prompt tokens computed since the chunk before; the sum over a generation is what the
    cache did not hold. `cached`, in the first chunk that has
    `prefilled`, is what it did hold. `logprobs`, when the backend gives them, are natural logarithms, one for each id.
    """

    ids: tuple[int, ...] = ()
    prefilled: int = 0
    cached: int = 0
    logprobs: tuple[float, ...] | None = None


class TokenScore(Struct, frozen=True, kw_only=True):
    """What a model says of one token, given all before it, at temperature 1.

    `logprob` and `best_logprob` are natural logarithms, `entropy` is that of the whole distribution, in nats. `rank` is
    1 for the likeliest token; `best` is that token's id.
    """

    token: int
    logprob: float
    rank: int
    entropy: float
    best: int
    best_logprob: float


class TokenGenerator(Protocol):
    """A model: ids in, ids out. It keeps its cache of keys and values and reuses the longest common prefix by itself.

    Construction takes a checkpoint and raises `CheckpointError` or `BackendError`.
    """

    @property
    def name(self) -> str:
        """The backend: "torch", "triton", "vllm" or "scripted"."""
        ...

    @property
    def fingerprint(self) -> str:
        """Identifies the checkpoint: equal for equal weights and geometry, whatever the path."""
        ...

    @property
    def arithmetic(self) -> str:
        """What computes, in a few words; where two differ in it, so may their last bits, and what they sample."""
        ...

    @property
    def max_context(self) -> int:
        """The most tokens, prompt and answer together, that it can hold."""
        ...

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """Sample until a stop id (which is yielded as the last id), `max_tokens`, `max_context` or cancellation.

        The prompt holds at least one id. Closing the iterator cancels too. A failure raises GenerationFailed.
        """
        ...

    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        """Compute what prompts to come begin with, so that they wait for less: chunks without ids, as in `generate`.

        At least one id. Between two chunks lies less work than in `generate`, since somebody may want to go on. Yields
        nothing where nothing would be gained: what is cached already stays as it is, and a backend that looks after
        that by itself, or cannot, does nothing. Errors as in `generate`.
        """
        ...

    def store(self, ids: Sequence[int], file: Path, most: int) -> int:
        """Keep in a file of at most so many bytes what is cached of the beginning of `ids`: how many tokens.

        0 where no file was written: it is not worth one, or the backend keeps none.
        """
        ...

    def recall(self, ids: Sequence[int], file: Path) -> int:
        """Take into the cache what a file keeps of the beginning of `ids`: how many of them are cached now.

        A file that is missing, damaged, of another model or of other tokens changes nothing.
        """
        ...

    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """Score each of ids[start:], which nothing is sampled for; `start` is 1 or more. Reuses the cache, too."""
        ...

    def close(self) -> None: ...


class ToolCall(Struct, frozen=True, kw_only=True):
    """One call as the model wrote it: `message.recipient` says whom, `message.content` holds the arguments.

    `artefacts` are what the calls before it on this branch kept, oldest first. A tool that folds them needs no memory
    of its own, and so agrees with what the model sees after a restart, a fork or an undo.
    """

    session: str
    message: Message
    artefacts: tuple[Artefact, ...] = ()


class ToolResult(Struct, frozen=True, kw_only=True):
    """What goes back to the model (at least one message of role "tool"), and what was kept beside it."""

    messages: tuple[Message, ...]
    outcome: ToolOutcome = "ok"
    artefacts: tuple[Artefact, ...] = ()


class Tool(Protocol):
    """Something the model may call. An error of the tool is a result that the model can read, never an exception."""

    @property
    def spec(self) -> ToolSpec: ...

    async def run(self, call: ToolCall) -> ToolResult: ...
