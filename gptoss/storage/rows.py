"""Rows of the events table, turned into events and checked on the way."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gptoss.engine.errors import DatabaseCorrupt, HistoryError
from gptoss.engine.events import Event, StoredEvent, UnknownEvent
from gptoss.storage.chain import ROOT, link, link_redacted
from gptoss.storage.codec import decode, encode
from gptoss.storage.projections import is_said

Row = tuple[int, int, bytes, int, int, int, bytes, bytes | None, bytes | None, bytes | None]
"""position, seq, kind (UTF-8), version, time, messages, hash, payload (JSON), tokens, redacted.

`messages` counts what the user and the model said on this branch up to here. A payload that was removed is None, its
tokens too, and `redacted` then holds the digest that the chain needs.
"""

NewRow = tuple[int, bytes, int, int, int, bytes, bytes, bytes | None]
"""seq, kind, version, time, messages, hash, payload, tokens: what is known before a row has a position."""


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


def rows_of(events: Iterable[Event], branch: str, head: Head, time: int) -> tuple[list[NewRow], Head]:
    """The rows that append `events` after `head`, and the head that they make."""
    rows: list[NewRow] = []
    seq, hash, messages = head
    branch_id = branch.encode()
    for event in events:
        seq += 1
        messages += is_said(event)
        kind, version, payload, tokens = encode(event)
        try:
            hash = link(hash, branch_id, seq, kind, version, time, messages, payload, tokens)
        except struct.error as error:
            raise HistoryError(f"this {event.kind} cannot be stored: its version or name is too long") from error
        rows.append((seq, kind, version, time, messages, hash, payload, tokens))
    return rows, Head(seq, hash, messages)


def stored_events(events: Sequence[Event], rows: Sequence[NewRow], branch: str, position: int) -> list[StoredEvent]:
    """The events as they are stored by `rows`, the first of which got `position` and the others the next ones."""
    first = position - rows[0][0] if rows else 0
    return [
        StoredEvent(branch=branch, seq=row[0], position=first + row[0], time=row[3], hash=row[5], event=event)
        for row, event in zip(rows, events, strict=True)
    ]


Between = Callable[[Segment, int, int], Iterable[Row]]
"""(segment, after, until) -> the rows of its branch with after < seq <= until, in the order of seq."""


def hash_at(path: Iterable[Segment], seq: int, between: Between) -> bytes:
    """The hash of the event `seq` of a path; when its row is missing, one that fits nothing."""
    for part in path:
        if part.after < seq <= part.until:
            for row in between(part, seq - 1, seq):
                return row[6]
    return b""


def _pieces(path: Iterable[Segment], cut: int) -> Iterator[tuple[Segment, int, int]]:
    """(segment, after, until), cut in two at the event `cut` if that is within a segment."""
    for part in path:
        middle = min(max(part.after, cut), part.until)
        yield part, part.after, middle
        yield part, middle, part.until


MISSING = "is missing"
ALTERED = "is not as it was written"


def _redacted(kind: bytes, version: int) -> UnknownEvent:
    return UnknownEvent(name=kind.decode(), schema_version=version, payload="")


class Walk:
    """Goes along a path, row by row, and yields its events.

    Rows must arrive without a gap, chained and in the order of their positions; otherwise DatabaseCorrupt, naming the
    first event that is not as it was written. `where` is what the sentence calls the place, such as a path.
    """

    def __init__(self, session: str, where: str) -> None:
        self._session = session
        self._where = where

    def path(
        self, path: Sequence[Segment], witness: Head, after: int, until: int | None, between: Between
    ) -> Iterator[StoredEvent]:
        """The events with after < seq <= until on a path.

        `witness` is an event on the path's last branch that is known from elsewhere: without it, a chain that lost its
        end would look whole.
        """
        head = path[-1].until if path else 0
        last = head if until is None else min(until, head)
        self._seq = after = max(after, 0)
        if after >= last:
            return
        self._position = 0
        self._hash = ROOT if after == 0 else hash_at(path, after, between)
        for part, first, final in _pieces(path, witness.seq):
            first, final = max(first, after), min(final, last)
            if first < final:
                yield from self._along(part.branch, between(part, first, final))
                if self._seq < final:
                    raise self._broken(self._seq + 1, MISSING)
                if self._seq == witness.seq and self._hash != witness.hash:
                    raise self._broken(self._seq, ALTERED)

    def _along(self, branch: str, rows: Iterable[Row]) -> Iterator[StoredEvent]:
        branch_id = branch.encode()
        before, previous, last_position = self._seq, self._hash, self._position
        for position, seq, kind, version, time, messages, hash, payload, tokens, redacted in rows:
            if seq != before + 1:
                raise self._broken(before + 1, MISSING)
            try:
                if payload is not None:
                    expected = link(previous, branch_id, seq, kind, version, time, messages, payload, tokens)
                else:
                    expected = link_redacted(previous, branch_id, seq, kind, version, time, messages, redacted or b"")
            except (TypeError, struct.error):  # values of a type that was never written
                expected = b""
            if hash != expected or position <= last_position:
                raise self._broken(seq, ALTERED)
            try:
                event = decode(kind, version, payload, tokens) if payload is not None else _redacted(kind, version)
            except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
                raise self._broken(seq, "cannot be read") from error
            yield StoredEvent(branch=branch, seq=seq, position=position, time=time, hash=hash, event=event)
            before, previous, last_position = seq, hash, position
        self._seq, self._hash, self._position = before, previous, last_position

    def _broken(self, seq: int, what: str) -> DatabaseCorrupt:
        return DatabaseCorrupt(
            f"event {seq} of session {self._session!r} {what} in {self._where}: "
            f"restore the file from a backup, or fork the session at {seq - 1} to go on from before the damage"
        )
