"""Records as rows. They come from outside: nothing about them is believed before it was checked."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from gptoss.engine.errors import HistoryError, RecordRefused, UsageError
from gptoss.engine.events import BranchForked, Event, HeadMoved, SessionRenamed, SessionStarted, UnknownEvent
from gptoss.engine.records import Record, SessionRecords
from gptoss.storage.chain import ROOT, link, link_redacted
from gptoss.storage.codec import decode, encode
from gptoss.storage.naming import blob_id, checked_name, new_id
from gptoss.storage.projections import ROOT_BRANCH, changes
from gptoss.storage.rows import Head, Row, key_of, rows_of
from gptoss.storage.statements import SEQ_MASK
from gptoss.storage.varint import encode_ids


class RestoredBranch:
    """A branch that was checked, from its first event to `head`. `parent` is None for the root."""

    def __init__(self, id: str, name: str, parent: "RestoredBranch | None", before: Head) -> None:
        self.id = id
        self.name = name
        self.parent = parent
        self.at_seq = before.seq
        self.head = before
        self.events: list[Event] = []
        self._rows: list[Row] = []  # with the seq in place of the key

    @property
    def preview(self) -> str:
        return changes(self.events, 0).preview

    @property
    def times(self) -> list[int]:
        return [row[3] for row in self._rows]

    def rows(self, key: int) -> list[Row]:
        """The rows for the branch with that key."""
        first = key_of(key, 0)
        return [(first + row[0], *row[1:]) for row in self._rows]

    def hash_at(self, seq: int) -> bytes:
        """The hash of the event `seq` on the path from the root to `head`."""
        if seq > self.at_seq:
            return self._rows[seq - self.at_seq - 1][5]
        return ROOT if self.parent is None else self.parent.hash_at(seq)

    def add(self, row: Row, event: Event) -> None:
        """HistoryError unless the row follows the newest one."""
        seq, _, _, _, messages, hash, *_ = row
        if seq != self.head.seq + 1 or seq > SEQ_MASK:
            raise HistoryError(f"event {seq} follows event {self.head.seq}: some are missing, or in another order")
        if hash != self._hash(row):
            raise HistoryError(f"event {seq} is not as it was written: its hash does not fit")
        self._rows.append(row)
        self.events.append(event)
        self.head = Head(seq, hash, messages)

    def append(self, event: Event, time: int) -> None:
        """One more event, of this log's own."""
        ((seq, kind, version, _, messages, hash, payload, tokens),), self.head = rows_of(
            [event], self.id, 0, self.head, time
        )
        self._rows.append((seq, kind, version, time, messages, hash, payload, tokens, None))
        self.events.append(event)

    def copy(self, session: str, copies: dict[str, "RestoredBranch"], ids: dict[str, str]) -> "RestoredBranch":
        """The same branch under another id, of another session; its parent is among `copies` (by old id) already."""
        parent = None if self.parent is None else copies[self.parent.id]
        hash = ROOT if parent is None else parent.hash_at(self.at_seq)
        copied = RestoredBranch(ids[self.id], self.name, parent, Head(self.at_seq, hash))
        for (seq, kind, version, time, messages, _, payload, tokens, redacted), event in zip(
            self._rows, self.events, strict=True
        ):
            moved = _readdressed(event, session, ids)
            if moved is not event:
                kind, version, payload, tokens = encode(moved)
            row = (seq, kind, version, time, messages, b"", payload, tokens, redacted)
            copied.add((*row[:5], copied._hash(row), *row[6:]), moved)
        return copied

    def _hash(self, row: Row) -> bytes:
        """What the hash of a row that follows the newest one has to be."""
        seq, kind, version, time, messages, _, payload, tokens, redacted = row
        header = (self.head.hash, self.id.encode(), seq, kind, version, time, messages)
        if redacted is not None:
            return link_redacted(*header, payload, tokens, redacted)
        if payload is None:
            raise HistoryError(f"event {seq} has lost its payload")
        return link(*header, payload, tokens)


class RestoredSession(NamedTuple):
    """A session that was checked. Its branches are in the order in which they were forked."""

    id: str
    name: str
    current: RestoredBranch
    branches: list[RestoredBranch]
    blobs: dict[str, bytes]

    @property
    def created(self) -> int:
        return self.branches[0].times[0]

    @property
    def updated(self) -> int:
        return max(branch.times[-1] for branch in self.branches)

    def copy(self) -> "RestoredSession":
        """The same with new ids, and so with hashes of its own."""
        session, ids = new_id(), {branch.id: new_id() for branch in self.branches}
        copies: dict[str, RestoredBranch] = {}
        for branch in self.branches:
            copies[branch.id] = branch.copy(session, copies, ids)
        return self._replace(id=session, current=copies[self.current.id], branches=list(copies.values()))


def restorable(
    sessions: Sequence[SessionRecords], now: int, has_ids: Callable[[RestoredSession], bool]
) -> list[RestoredSession]:
    """The sessions, checked, and copied if the log has their ids already. Raises what `checked` raises."""
    found = [checked(session, number, now) for number, session in enumerate(sessions)]
    seen: set[str] = set()
    for number, session in enumerate(found):
        if has_ids(session) or session.id in seen:
            found[number] = session.copy()
        seen.add(session.id)
    return found


def checked(session: SessionRecords, number: int, now: int) -> RestoredSession:
    """The session, once its chain, its branches, its payloads and its files have been found whole.

    Its events decide what it is called and which branch is its current one; where it is to be otherwise, events of the
    time `now` say so. RecordRefused names the session as `number`; UsageError for a name that no session can have.
    """
    checked_name(session.name)
    branches: dict[str, RestoredBranch] = {}
    at: RestoredBranch | None = None
    for index, record in enumerate(session.records):
        try:
            row, event = _row(record)
            if at is None or at.id != record.branch:
                at = branches[record.branch] = _begun(session.id, record, event, branches)
            at.add(row, event)
        except (HistoryError, UsageError) as error:
            raise RecordRefused(str(error), number, index) from error
        except (ValueError, TypeError, KeyError, struct.error, msgspec.MsgspecError) as error:
            raise RecordRefused(f"event {record.seq} cannot be read: {error}", number, index) from error
    if session.branch not in branches:
        raise RecordRefused(f"the current branch of session {session.name!r} is missing", number)
    blobs = {blob_id(data): data for data in session.blobs}
    used = {}
    for digest in (digest for branch in branches.values() for digest in changes(branch.events, 0).blobs):
        if digest not in blobs:
            raise RecordRefused(f"the file {digest} of session {session.name!r} is missing", number)
        used[digest] = blobs[digest]
    current = branches[session.branch]
    name, holder = _projected(branches.values())
    if holder is not current:
        current.append(HeadMoved(came_from=holder.id), now)
    if name != session.name:
        current.append(SessionRenamed(name=session.name), now)
    return RestoredSession(session.id, session.name, current, list(branches.values()), used)


def _row(record: Record) -> tuple[Row, Event]:
    """A row with the seq in place of its key, and its event."""
    head = (record.seq, record.kind.encode(), record.version, record.time, record.messages, record.hash)
    if record.payload is None:
        event: Event = UnknownEvent(name=record.kind, schema_version=record.version, payload="")
        return (*head, None, None, record.digest), event
    payload = record.payload.encode()
    tokens = record.packed if record.ids is None else encode_ids(record.ids)
    return (*head, payload, tokens, record.digest), decode(record.kind.encode(), record.version, payload, tokens)


def _begun(session: str, record: Record, event: Event, branches: dict[str, RestoredBranch]) -> RestoredBranch:
    """The branch that a record begins."""
    if record.branch in branches:
        raise HistoryError(f"the events of branch {record.branch} do not stand together")
    if not branches:
        if not isinstance(event, SessionStarted):
            raise HistoryError(f"a session begins with SessionStarted, not with {record.kind}")
        if event.session != session:
            raise HistoryError("this event begins another session")
        return RestoredBranch(record.branch, ROOT_BRANCH, None, Head(0, ROOT))
    if not isinstance(event, BranchForked):
        raise HistoryError(f"a branch begins with BranchForked, not with {record.kind}")
    parent = branches.get(event.parent)
    if parent is None or not 1 <= event.at_seq <= parent.head.seq:
        raise HistoryError(f"what the branch {event.name!r} was forked from is missing")
    if any(branch.name == event.name for branch in branches.values()):
        raise HistoryError(f"there are two branches {event.name!r}")
    return RestoredBranch(
        record.branch, checked_name(event.name), parent, Head(event.at_seq, parent.hash_at(event.at_seq))
    )


def _projected(branches: Iterable[RestoredBranch]) -> tuple[str, RestoredBranch]:
    """The session's name and current branch as the newest events have it."""
    named = moved = -1
    for branch in branches:
        for time, event in zip(branch.times, branch.events, strict=True):
            if isinstance(event, SessionStarted | SessionRenamed) and time >= named:
                named, name = time, event.name
            if isinstance(event, SessionStarted | HeadMoved) and time >= moved:
                moved, current = time, branch
    return name, current


def _readdressed(event: Event, session: str, ids: dict[str, str]) -> Event:
    """The event with the ids of a copy where it names ids."""
    if isinstance(event, SessionStarted):
        return replace(event, session=session)
    if isinstance(event, BranchForked):
        return replace(event, parent=ids.get(event.parent, event.parent))
    if isinstance(event, HeadMoved):
        return replace(event, came_from=ids.get(event.came_from, event.came_from))
    return event
