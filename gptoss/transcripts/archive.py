"""Whole sessions as JSON Lines, from which they can be restored to the bit.

A file holds one session after the other, each a line about itself, then a line for every event of every branch, then
one for every file that tools kept:

    {"type": "session", "format": "gptoss-session", "version": 1, "id": ..., "name": ..., "branch": ...,
     "events": 12, "blobs": 1}
    {"type": "event", "branch": ..., "seq": 1, "kind": "SessionStarted", "version": 1, "time": ..., "hash": ..., ...}
    {"type": "blob", "digest": ..., "data": "base64"}

The events of a branch stand together, after those of the branch that it was forked from. `hash` chains them, so a
changed file does not pass for what was said. A payload stands there as it is in the log; one that is not JSON on one
line stands as a string under `text`, and one that was redacted is absent but for its `digest`.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from gptoss.engine.errors import UsageError
from gptoss.engine.events import ToolReturned
from gptoss.engine.ports import BranchInfo, EventReader, SessionInfo
from gptoss.engine.records import Record, SessionRecords

FORMAT = "gptoss-session"
VERSION = 1


class ArchiveProblem(UsageError):
    """A line, counted from 1, that is no part of an archive; `line` is None when the end is missing."""

    def __init__(self, problem: str, line: int | None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.line = line


class SessionLine(Struct, frozen=True, kw_only=True, tag="session", tag_field="type"):
    """The first line of a session. `branch` is its current one; `events` and `blobs` count the lines that follow."""

    format: str = FORMAT
    version: int = VERSION
    id: str
    name: str
    branch: str
    events: int
    blobs: int


class EventLine(Struct, frozen=True, kw_only=True, tag="event", tag_field="type", omit_defaults=True):
    """See `gptoss.engine.records.Record`; hashes are hexadecimal."""

    branch: str
    seq: int
    kind: str
    version: int
    time: int
    messages: int
    hash: str
    payload: Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    ids: tuple[int, ...] | UnsetType = UNSET
    packed: bytes | UnsetType = UNSET
    digest: str | UnsetType = UNSET


class BlobLine(Struct, frozen=True, kw_only=True, tag="blob", tag_field="type"):
    """A file that a tool kept; `data` is base64."""

    digest: str
    data: bytes


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(SessionLine | EventLine | BlobLine).decode
_artefacts = msgspec.json.Decoder(ToolReturned).decode
_whole = msgspec.json.Decoder(Raw).decode


def archive(
    reader: EventReader, session: SessionInfo, branch: BranchInfo | None = None, until: int | None = None
) -> Iterator[str]:
    """The lines of a session, or only of the path to an event of one branch; lazy."""
    while branch is not None and branch.parent is not None and until is not None and until <= branch.at_seq:
        branch = reader.branch(branch.parent)
    parts = _parts(reader, session) if branch is None else _path(reader, branch, until)
    current = session.branch if branch is None else branch.id
    digests: dict[str, None] = {}
    for part, first, last in parts:
        for record in reader.records(part, first, last):
            if record.kind == "ToolReturned" and record.payload is not None:
                digests.update((artefact.digest, None) for artefact in _artefacts(record.payload).artefacts)
    events = sum(last - first for _, first, last in parts)
    about = SessionLine(id=session.id, name=session.name, branch=current, events=events, blobs=len(digests))
    yield _line(about)
    for part, first, last in parts:
        for record in reader.records(part, first, last):
            yield _line(_event(record))
    for digest in digests:
        yield _line(BlobLine(digest=digest, data=reader.get_blob(digest)))


class ArchivedSession(Struct, kw_only=True):
    """A session that was read, and the number of the line of each of its records."""

    records: SessionRecords
    lines: list[int]
    line: int


def is_archive(line: bytes) -> bool:
    """Whether a file whose first line this is, is an archive."""
    return b'"type"' in line and b'"session"' in line and FORMAT.encode() in line


def read_archive(lines: Iterable[bytes]) -> list[ArchivedSession]:
    """The sessions of an archive; ArchiveProblem names the first bad line. What they hold is not checked here."""
    found: list[ArchivedSession] = []
    about: SessionLine | None = None
    records: list[Record] = []
    blobs: list[bytes] = []
    numbers: list[int] = []
    begun = 0

    def complete() -> None:
        if about is not None:
            if len(records) != about.events or len(blobs) != about.blobs:
                missing = about.events + about.blobs - len(records) - len(blobs)
                raise ArchiveProblem(
                    f"the session {about.name!r} is cut short: {missing} of its lines are missing", None
                )
            session = SessionRecords(
                id=about.id, name=about.name, branch=about.branch, records=tuple(records), blobs=tuple(blobs)
            )
            found.append(ArchivedSession(records=session, lines=list(numbers), line=begun))

    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        one = _read(line, number)
        if isinstance(one, SessionLine):
            complete()
            about, begun = one, number
            for each in (records, blobs, numbers):
                each.clear()
            continue
        if about is None:
            raise ArchiveProblem("an archive begins with a line about its session", number)
        if isinstance(one, EventLine):
            records.append(_record(one, number))
            numbers.append(number)
        else:
            blobs.append(one.data)
    complete()
    return found


def _parts(reader: EventReader, session: SessionInfo) -> list[tuple[str, int, int]]:
    """(branch, after, until) for each branch's own events."""
    return [(branch.id, branch.at_seq, branch.head) for branch in reader.branches(session.id)]


def _path(reader: EventReader, branch: BranchInfo, until: int | None) -> list[tuple[str, int, int]]:
    """The same for the branches on the path to one, cut off after the event `until`."""
    last = branch.head if until is None else min(until, branch.head)
    parts: list[tuple[str, int, int]] = []
    at: BranchInfo | None = branch
    while at is not None:
        # A branch that adds nothing to the path is there with its first event: the one forked from it names it.
        parts.append((at.id, at.at_seq, max(last, at.at_seq + 1)))
        last = at.at_seq
        at = reader.branch(at.parent) if at.parent is not None else None
    return parts[::-1]


def _event(record: Record) -> EventLine:
    payload: Raw | UnsetType = UNSET
    text: str | UnsetType = UNSET
    if record.payload is not None:
        if _is_json_line(record.payload):
            payload = Raw(record.payload.encode())
        else:
            text = record.payload
    return EventLine(
        branch=record.branch,
        seq=record.seq,
        kind=record.kind,
        version=record.version,
        time=record.time,
        messages=record.messages,
        hash=record.hash.hex(),
        payload=payload,
        text=text,
        ids=UNSET if record.ids is None else record.ids,
        packed=UNSET if record.packed is None else record.packed,
        digest=UNSET if record.digest is None else record.digest.hex(),
    )


def _is_json_line(payload: str) -> bool:
    """Whether a payload stays the same to the byte within a line of JSON."""
    if payload != payload.strip() or "\n" in payload or "\r" in payload:
        return False
    try:
        _whole(payload)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True


def _record(line: EventLine, number: int) -> Record:
    payload: str | None = None
    if line.payload is not UNSET:
        payload = bytes(line.payload).decode()
    elif line.text is not UNSET:
        payload = line.text
    try:
        return Record(
            branch=line.branch,
            seq=line.seq,
            kind=line.kind,
            version=line.version,
            time=line.time,
            messages=line.messages,
            hash=bytes.fromhex(line.hash),
            payload=payload,
            ids=None if line.ids is UNSET else line.ids,
            packed=None if line.packed is UNSET else line.packed,
            digest=None if line.digest is UNSET else bytes.fromhex(line.digest),
        )
    except ValueError as error:
        raise ArchiveProblem("a hash is written in hexadecimal digits, and this one is not", number) from error


def _read(line: bytes, number: int) -> SessionLine | EventLine | BlobLine:
    try:
        one: SessionLine | EventLine | BlobLine = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ArchiveProblem(f"this is no line of an archive ({error})", number) from error
    if isinstance(one, SessionLine) and (one.format != FORMAT or one.version > VERSION):
        raise ArchiveProblem(
            f"this archive is of a newer gptoss ({one.format} {one.version}): update, then import", number
        )
    return one


def _line(line: Struct) -> str:
    return _encode(line).decode() + "\n"
