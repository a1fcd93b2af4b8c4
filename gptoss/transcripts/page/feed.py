"""A session as a stream of updates for the page: the page folds them, as the engine folds events.

An update is an object whose `u` says what it is about:

    session     name, id, branch (the current one)
    branch      id, name, parent, at: a branch, known from here on
    event       b (the number of its branch), seq, time (microseconds), k (its kind) and what the kind needs
    words       texts of tokens by id: a string, or a list of bytes where they are no text by themselves
    segment     source, seq, ids: a part of prompts; segments are numbered in the order of their coming
    file        digest, type, and text or data (base64)

Prompts grow by a little each time, so that of a generation says how many of its segments it shares with the one before
it on the branch (`keep`) and which follow (`add`, as runs of numbers: first, count), and the same of the messages that
were left out (first seq, last seq, how many, why). Updates are only ever appended: a page that has seen the first n
asks for those after them.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from gptoss.engine.errors import StorageError
from gptoss.engine.events import (
    Artefact,
    GenerationFinished,
    GenerationStarted,
    MessageAppended,
    SessionStarted,
    SettingsChanged,
    StoredEvent,
    TokensSampled,
    ToolCalled,
    ToolReturned,
)
from gptoss.engine.generations import prompt_of
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import BranchInfo, EventReader, SessionInfo
from gptoss.engine.prefix import common_prefix
from gptoss.engine.reducer import fold, reduce
from gptoss.engine.rendering import Prompt
from gptoss.engine.state import State
from gptoss.transcripts.document import note
from gptoss.transcripts.page.markup import markup
from gptoss.transcripts.page.masking import Mask
from gptoss.transcripts.page.spelling import Spelling, Update
from gptoss.transcripts.redaction import Redactor

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
DIFF = "text/x-diff"
LARGEST_FILE = 5_000_000
"""Bytes. Larger ones are named, not shown."""


class _Fold:
    """How far a branch has been read, and the last prompt that was told of: its segments, their numbers, what it lacks.

    `lineage` holds, for the root and so on to the branch itself, the seq after which its own events begin.
    """

    def __init__(self, lineage: list[tuple[int, int]], state: State | None = None) -> None:
        self.lineage = lineage
        self.seq, self.number = lineage[-1] if lineage else (0, 0)
        self.state = state
        self.prompt = Prompt(segments=())
        self.numbers: list[int] = []

    def owner(self, seq: int) -> int:
        """The number of the branch that holds the event `seq` of the path."""
        if len(self.lineage) == 1:
            return self.number
        return next(number for after, number in reversed(self.lineage) if seq > after)


class Feed:
    """The updates of a session. `more` gives those that came since it was last asked; the first time, all.

    With `path` only what leads to an event of one branch is shown, as if there were no other. Without `reasoning`
    nothing of what the model only thought is in any update, and so no tokens are.
    """

    def __init__(
        self,
        reader: EventReader,
        session: SessionInfo,
        harmony: Harmony,
        *,
        path: tuple[BranchInfo, int | None] | None = None,
        reasoning: bool = True,
        redactor: Redactor | None = None,
    ) -> None:
        self._reader = reader
        self._session = session
        self._harmony = harmony
        self._path = path
        self._reasoning = reasoning
        self._mask = Mask(harmony, redactor)
        self._spelling = Spelling(harmony, self._mask)
        self._told: tuple[str, str] | None = None
        self._folds: dict[str, _Fold] = {}
        self._forks: dict[tuple[str, int], _Fold] = {}
        self._files: set[str] = set()

    def more(self, session: SessionInfo | None = None) -> Iterator[Update]:
        """New updates; lazy. `session` is the session as it is now, if that may have changed."""
        self._session = session or self._session
        branches = self._branches()
        if self._mask.hides:
            self._mask.learn(self._events(branch, branch.at_seq) for branch in branches)
        if self._told != (self._session.name, self._session.branch):
            self._told = (self._session.name, self._session.branch)
            current = branches[-1].id if self._path else self._session.branch
            name = self._mask.text(self._session.name)
            yield {"u": "session", "id": self._session.id, "name": name, "branch": current}
        # Where branches fork, what the parent's events fold to there is needed twice.
        for branch in branches:
            if branch.parent is not None and branch.id not in self._folds:
                self._forks.setdefault((branch.parent, branch.at_seq), _Fold([]))
        for branch in branches:
            if branch.id not in self._folds:
                yield self._begin(branch)
            yield from self._advance(branch)

    def _branches(self) -> list[BranchInfo]:
        if self._path is None:
            return self._reader.branches(self._session.id)
        branch, until = self._path
        return [replace(branch, parent=None, at_seq=0, head=branch.head if until is None else min(until, branch.head))]

    def _events(self, branch: BranchInfo, after: int) -> Iterable[StoredEvent]:
        return self._reader.read(branch.id, after, branch.head)

    def _begin(self, branch: BranchInfo) -> Update:
        self._folds[branch.id] = self._fold(branch)
        name = self._mask.text(branch.name)
        return {"u": "branch", "id": branch.id, "name": name, "parent": branch.parent, "at": branch.at_seq}

    def _fold(self, branch: BranchInfo) -> _Fold:
        own = (branch.at_seq, len(self._folds))
        if branch.parent is None:
            return _Fold([own])
        # What a branch was forked below, it has nothing of.
        lineage = [one for one in self._folds[branch.parent].lineage if one[0] < branch.at_seq]
        shared = self._forks[branch.parent, branch.at_seq]
        if shared.state is None:
            return _Fold([*lineage, own], fold(self._reader.read(branch.id, until=branch.at_seq)))
        begun = _Fold([*lineage, own], shared.state)
        begun.prompt, begun.numbers = shared.prompt, shared.numbers
        return begun

    def _advance(self, branch: BranchInfo) -> Iterator[Update]:
        at = self._folds[branch.id]
        for stored in self._events(branch, at.seq):
            at.state = reduce(at.state, stored)
            at.seq = stored.seq
            yield from self._event(stored, at)
            forked = self._forks.get((branch.id, stored.seq))
            if forked is not None:
                forked.state, forked.prompt, forked.numbers = at.state, at.prompt, at.numbers

    def _event(self, stored: StoredEvent, at: _Fold) -> Iterator[Update]:
        event = stored.event
        head: Update = {"u": "event", "b": at.number, "seq": stored.seq, "time": stored.time}
        if isinstance(event, MessageAppended):
            if self._reasoning or not _is_thought(event.message):
                yield head | {"k": "message"} | self._message(event)
        elif isinstance(event, TokensSampled):
            yield from self._tokens(head, event, stored)
        elif isinstance(event, GenerationStarted):
            yield from self._generation(head, event, at)
        elif isinstance(event, GenerationFinished):
            yield head | {
                "k": "finished",
                "reason": event.reason,
                "ms": event.elapsed_ms,
                "first": event.first_token_ms,
                "prefilled": event.prefilled,
                "error": event.error and self._mask.text(event.error),
            }
        elif isinstance(event, ToolCalled):
            yield head | {"k": "called", "message": event.message, "recipient": self._mask.text(event.recipient)}
        elif isinstance(event, ToolReturned):
            for artefact in event.artefacts:
                yield from self._file(artefact)
            files = [
                {"digest": a.digest, "name": self._mask.text(a.name), "type": a.media_type, "size": a.size}
                for a in event.artefacts
            ]
            yield head | {
                "k": "returned",
                "call": event.call,
                "outcome": event.outcome,
                "ms": event.duration_ms,
                "files": files,
            }
        elif isinstance(event, SessionStarted | SettingsChanged):
            yield head | {"k": "settings", "settings": self._mask.settings(event.settings)}
        elif text := note(stored):
            yield head | {"k": "note", "kind": event.kind, "text": self._mask.text(text)}

    def _message(self, event: MessageAppended) -> Update:
        message = event.message
        text = self._mask.text(message.content)
        found: Update = {"role": message.role, "text": text}
        said = {"channel": message.channel, "to": message.recipient, "name": message.name, "type": message.content_type}
        found |= {key: self._mask.text(value) for key, value in said.items() if value is not None}
        if message.role == "assistant" and not message.is_tool_call and message.channel != "analysis":
            tree = markup(text)
            if tree is not None:
                found["tree"] = tree
        if event.generation is not None:
            found["gen"] = event.generation
        if event.span is not None:
            found["span"] = event.span
        if event.partial:
            found["partial"] = True
        return found

    def _tokens(self, head: Update, event: TokensSampled, stored: StoredEvent) -> Iterator[Update]:
        if not self._reasoning:
            yield head | {"k": "tokens", "count": len(event.ids), "ms": event.elapsed_ms}
            return
        ids = self._mask.batch(stored, event.ids)
        yield from self._spelling.words(ids)
        found = head | {"k": "tokens", "ids": ids, "ms": event.elapsed_ms}
        if event.logprobs is not None and not self._mask.hides:
            found["logprobs"] = [round(logprob, 4) if logprob > float("-inf") else None for logprob in event.logprobs]
        yield found

    def _generation(self, head: Update, event: GenerationStarted, at: _Fold) -> Iterator[Update]:
        found = head | {
            "k": "generation",
            "backend": event.backend,
            "model": event.model,
            "sampling": event.sampling,
            "prompt_tokens": event.prompt_length,
            "rules": event.rendering,
        }
        if event.continues is not None:
            found["continues"] = event.continues
        if not self._reasoning or at.state is None:
            yield found
            return
        prompt = prompt_of(at.state, self._harmony)
        if prompt.hash != event.prompt_hash:
            yield found | {"problem": "the prompt can no longer be derived from the events: see gptoss verify"}
            return
        # Most of a prompt are the very segments of the one before it.
        kept = common_prefix(at.prompt.segments, prompt.segments)
        kept_dropped = common_prefix(at.prompt.dropped, prompt.dropped)
        new = prompt.segments[kept:]
        yield from self._spelling.segments(new, at.owner)
        added = self._spelling.numbers(new, at.owner)
        at.prompt, at.numbers = prompt, at.numbers[:kept] + added
        found["prompt"] = {"keep": kept, "add": _runs(added)}
        dropped = [(run.first, run.last, run.messages, run.reason) for run in prompt.dropped[kept_dropped:]]
        found["dropped"] = {"keep": kept_dropped, "add": dropped}
        yield found

    def _file(self, artefact: Artefact) -> Iterator[Update]:
        if artefact.digest in self._files:
            return
        self._files.add(artefact.digest)
        is_image, is_diff = artefact.media_type in IMAGES, artefact.media_type == DIFF
        if not (is_image or is_diff) or artefact.size > LARGEST_FILE:
            return
        try:
            data = self._reader.get_blob(artefact.digest)
        except StorageError:
            return  # it was removed on purpose; the card says what it was called
        found: Update = {"u": "file", "digest": artefact.digest, "type": artefact.media_type}
        if is_diff:
            yield found | {"text": self._mask.text(data.decode("utf-8", "replace"))}
        else:
            yield found | {"data": b64encode(data).decode()}


def _is_thought(message: Message) -> bool:
    return message.role == "assistant" and message.channel == "analysis" and not message.is_tool_call


def _runs(numbers: list[int]) -> list[int]:
    """Runs of consecutive numbers, flattened: first, count, first, count ..."""
    runs: list[int] = []
    for number in numbers:
        if runs and number == runs[-2] + runs[-1]:
            runs[-1] += 1
        else:
            runs += [number, 1]
    return runs
