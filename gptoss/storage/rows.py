"""Rows of the events table, turned into events and checked on the way."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple, cast

import msgspec

from gptoss.engine.errors import DatabaseCorrupt, HistoryError
from gptoss.engine.events import Event, StoredEvent, UnknownEvent
from gptoss.storage.chain import (
    HASH_SIZE,
    ROOT,
    blake2b,
    digest_of,
    fill_header,
    header_of,
    link,
    link_redacted,
    tombstone,
)
from gptoss.storage.codec import decode, encode, newest
from gptoss.storage.projections import is_said
from gptoss.storage.statements import SEQ_BITS, SEQ_MASK

Row = tuple[int, bytes, int, int, int, bytes, bytes | None, bytes | None, bytes | None]
"""key, kind (UTF-8), version, time, messages, hash, payload (JSON), tokens, redacted.

`messages` counts what the user and the model said on this branch up to here. `redacted` is None unless the payload was
removed: then it is what the chain needs (`gptoss.storage.chain.tombstone`), and payload and tokens are what stands in
for those that were removed, if anything.
"""

NewRow = tuple[int, bytes, int, int, int, bytes, bytes, bytes | None]
"""key, kind, version, time, messages, hash, payload, tokens: what is appended."""


def key_of(branch: int, seq: int) -> int:
    """The key of the event `seq` of the branch with that key. It is the event's position."""
    return branch << SEQ_BITS | seq


class Segment(NamedTuple):
    """The part of a path that lies on one branch: events with after < seq <= until. `key` is the branch's row."""

    key: int
    branch: str
    after: int
    until: int


class Head(NamedTuple):
    """An event at the end of a branch, and the running count of messages in its row."""

    seq: int
    hash: bytes
    messages: int = 0


def segments(lineage: Iterable[tuple[int, str, int]], head: int) -> list[Segment]:
    """The path from the root to `head`, oldest part first.

    `lineage` holds (key, id, at_seq) of the branch, its parent and so on to the root. A branch that was forked below
    its parent's own first event has nothing of the parent, only of the parent's ancestors.
    """
    path, until = [], head
    for key, branch, at_seq in lineage:
        if at_seq < until:
            path.append(Segment(key, branch, at_seq, until))
            until = at_seq
    return path[::-1]


def redacted_row(row: Row, left: Event) -> Row:
    """The row with `left` in place of its event, and the digest that keeps the chain whole."""
    key, kind, version, time, messages, hash, payload, tokens, _ = row
    if payload is None:
        raise HistoryError("there is nothing left of this event")
    _, left_version, stand_in, stand_in_tokens = encode(left)
    digest = digest_of(payload, tokens)
    if left_version != version:  # a payload of another version would be read as one of this
        return (key, kind, version, time, messages, hash, None, None, digest)
    redacted = tombstone(digest, stand_in, stand_in_tokens)
    return (key, kind, version, time, messages, hash, stand_in, stand_in_tokens, redacted)


def rows_of(events: Iterable[Event], branch: str, key: int, head: Head, time: int) -> tuple[list[NewRow], Head]:
    """The rows that append `events` to a branch (its id and key) after `head`, and the head that they make."""
    rows: list[NewRow] = []
    seq, hash, messages = head
    first = key_of(key, 0)
    branch_id = branch.encode()
    for event in events:
        seq += 1
        messages += is_said(event)
        kind, version, payload, tokens = encode(event)
        try:
            hash = link(hash, branch_id, seq, kind, version, time, messages, payload, tokens)
        except struct.error as error:
            raise HistoryError(f"this {event.kind} cannot be stored: its version or name is too long") from error
        rows.append((first + seq, kind, version, time, messages, hash, payload, tokens))
    return rows, Head(seq, hash, messages)


def stored_events(events: Iterable[Event], rows: Iterable[NewRow], branch: str) -> list[StoredEvent]:
    """The events as they are stored by `rows`."""
    return [
        StoredEvent(branch=branch, seq=row[0] & SEQ_MASK, position=row[0], time=row[3], hash=row[5], event=event)
        for row, event in zip(rows, events, strict=True)
    ]


Between = Callable[[Segment, int, int], Iterable[Row]]
"""(segment, after, until) -> the rows of its branch with after < seq <= until, in the order of seq."""


def _pieces(path: Iterable[Segment], cut: int) -> Iterator[tuple[Segment, int, int]]:
    """(segment, after, until), cut in two at the event `cut` if that is within a segment."""
    for part in path:
        middle = min(max(part.after, cut), part.until)
        yield part, part.after, middle
        yield part, middle, part.until


MISSING = "is missing"
ALTERED = "is not as it was written"


Decode = Callable[[bytes], Event]


class _Kinds(dict[bytes, tuple[bytearray, int | None, Decode | None]]):
    """kind -> what its events on a branch share: the header to fill, the version that is the newest, and its decoder.

    The last two are None for what only `decode` can decode.
    """

    def __init__(self, branch: bytes) -> None:
        self._branch = branch

    def __missing__(self, kind: bytes) -> tuple[bytearray, int | None, Decode | None]:
        self[kind] = found = (header_of(kind, self._branch), *newest.get(kind, (None, None)))
        return found


def _redacted(kind: bytes, version: int) -> UnknownEvent:
    return UnknownEvent(name=kind.decode(), schema_version=version, payload="")


class Walk:
    """Goes along a path, row by row, and yields its events.

    Rows must arrive without a gap and chained; otherwise DatabaseCorrupt, naming the first event that is not as it was
    written. `where` is what the sentence calls the place, such as a path.
    """

    def __init__(self, session: str, where: str) -> None:
        self._session = session
        self._where = where
        self._seq = 0
        self._hash = ROOT

    def path(
        self, path: Sequence[Segment], seal: Head, after: int, until: int | None, between: Between
    ) -> Iterator[StoredEvent]:
        """The events with after < seq <= until on a path.

        `seal` is an event on the path's last branch that is known from elsewhere: without it, a chain that lost its end
        would look whole.
        """
        # Unlike `yield from`, this leaves no generator between each event and whoever reads it.
        return chain.from_iterable(self._parts(path, seal, after, until, between))

    def _parts(
        self, path: Sequence[Segment], seal: Head, after: int, until: int | None, between: Between
    ) -> Iterator[Iterator[StoredEvent]]:
        """The events of a path piece by piece, each of which must be taken before the next."""
        head = path[-1].until if path else 0
        last = head if until is None else min(until, head)
        after = max(after, 0)
        if after >= last:
            return
        self._begin(path, after, between)
        for part, first, final in _pieces(path, seal.seq):
            first, final = max(first, after), min(final, last)
            if first < final:
                yield self._along(part, between(part, first, final))
                if self._seq < final:
                    raise self._broken(self._seq + 1, MISSING)
                if self._seq == seal.seq and self._hash != seal.hash:
                    raise self._broken(self._seq, ALTERED)

    def _begin(self, path: Iterable[Segment], after: int, between: Between) -> None:
        """Stand on the event `after`, whose hash the next one follows; on 0, before the first."""
        for part in path:
            if part.after < after <= part.until:
                for row in between(part, after - 1, after):
                    self._seq, self._hash = after, row[5]
                    return
                raise self._broken(after, MISSING)

    def _along(self, part: Segment, rows: Iterable[Row]) -> Iterator[StoredEvent]:
        branch, branch_id, first = part.branch, part.branch.encode(), key_of(part.key, 0)
        kinds = _Kinds(branch_id)
        seq, previous = self._seq, self._hash
        for key, kind, version, time, messages, hash, payload, tokens, redacted in rows:
            seq += 1
            if key != first + seq:
                raise self._broken(seq, MISSING)
            try:
                header, current, decode_current = kinds[kind]
                if redacted is None:
                    # What `link` does, written out, and below what `decode` does for most: two calls fewer an event. A
                    # payload that is missing raises TypeError.
                    content: Any = payload if tokens is None else b"%b\x00%b" % (cast("bytes", payload), tokens)
                    fill_header(header, 0, previous, blake2b(content).digest(), seq, time, version, messages)
                    expected = blake2b(header).digest()[:HASH_SIZE]
                else:
                    before = (previous, branch_id, seq, kind, version, time, messages)
                    expected = link_redacted(*before, payload, tokens, redacted)
            except (TypeError, struct.error):  # values of a type that was never written
                expected = b""
            if hash != expected:
                raise self._broken(seq, ALTERED)
            try:
                if payload is None:
                    event: Event = _redacted(kind, version)
                elif decode_current is not None and version == current and tokens is None:
                    event = decode_current(payload)
                else:
                    event = decode(kind, version, payload, tokens)
            except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
                raise self._broken(seq, "cannot be read") from error
            yield StoredEvent(
                branch=branch,
                seq=seq,
                position=key,
                time=time,
                hash=hash,
                event=event,
                redacted=redacted is not None,
            )
            previous = hash
        self._seq, self._hash = seq, previous

    def _broken(self, seq: int, what: str) -> DatabaseCorrupt:
        return DatabaseCorrupt(
            f"event {seq} of session {self._session!r} {what} in {self._where}: "
            f"restore the file from a backup, or fork the session at {seq - 1} to go on from before the damage"
        )
