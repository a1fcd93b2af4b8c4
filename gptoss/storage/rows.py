"""Rows of the events table, turned into events and checked on the way."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from gptoss.engine.errors import DatabaseCorrupt
from gptoss.engine.events import Event, StoredEvent, UnknownEvent
from gptoss.storage.chain import ROOT, digest_of, link
from gptoss.storage.codec import decode, encode

Row = tuple[int, int, str, int, int, bytes, str | None, bytes | None, bytes | None]
"""position, seq, kind, version, time, hash, payload, tokens, redacted.

A payload that was removed is None, its tokens too, and `redacted` then holds the digest that the chain needs.
"""


class Segment(NamedTuple):
    """The part of a path that lies on one branch: events with after < seq <= until. `key` is the branch's row."""

    key: int
    branch: str
    after: int
    until: int


class Head(NamedTuple):
    """The newest event of a branch, as the branch's row knows it."""

    seq: int
    hash: bytes


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


def rows_of(
    events: Sequence[Event], *, branch: str, head: Head, position: int, time: int
) -> tuple[list[Row], list[StoredEvent]]:
    """The rows that append `events` after `head`, with positions from `position` up."""
    rows: list[Row] = []
    stored: list[StoredEvent] = []
    seq, previous = head
    id_bytes = branch.encode()
    for event in events:
        seq += 1
        payload, tokens = encode(event)
        kind, version = event.kind, event.version
        previous = link(previous, digest_of(payload.encode(), tokens), id_bytes, seq, kind, version, time)
        rows.append((position, seq, kind, version, time, previous, payload, tokens, None))
        stored.append(StoredEvent(branch=branch, seq=seq, position=position, time=time, hash=previous, event=event))
        position += 1
    return rows, stored


Between = Callable[[Segment, int, int], Iterable[Row]]
"""(segment, after, until) -> the rows of its branch with after < seq <= until, in the order of seq."""


def hash_at(path: Iterable[Segment], seq: int, between: Between) -> bytes | None:
    """The hash of the event `seq` of a path, None when its row is missing."""
    for part in path:
        if part.after < seq <= part.until:
            for row in between(part, seq - 1, seq):
                return row[5]
    return None


class Walk:
    """Goes along a path, row by row, and yields its events.

    Rows must arrive without a gap, chained and in the order of their positions; otherwise DatabaseCorrupt, naming the
    first event that is not as it was written. `where` is what the sentence calls the place, such as a path.
    """

    def __init__(self, session: str, where: str) -> None:
        self._session = session
        self._where = where

    def path(
        self, path: Sequence[Segment], head: Head, after: int, until: int | None, between: Between
    ) -> Iterator[StoredEvent]:
        """The events with after < seq <= until on a path that ends in `head`."""
        after = max(after, 0)
        last = head.seq if until is None else min(until, head.seq)
        if after >= last:
            return
        self._seq, self._position = after, 0
        self._hash = ROOT if after == 0 else self._start(hash_at(path, after, between))
        for part in path:
            first, final = max(part.after, after), min(part.until, last)
            if first < final:
                yield from self._along(part.branch, between(part, first, final))
        if self._seq < last:
            raise self._broken(self._seq + 1, "is missing")
        if last == head.seq and self._hash != head.hash:
            raise self._broken(last, "is not as it was written")

    def _start(self, hash: bytes | None) -> bytes:
        if hash is None:
            raise self._broken(self._seq, "is missing")
        return hash

    def _along(self, branch: str, rows: Iterable[Row]) -> Iterator[StoredEvent]:
        id_bytes = branch.encode()
        before, previous, last_position = self._seq, self._hash, self._position
        for position, seq, kind, version, time, hash, payload, tokens, redacted in rows:
            if seq != before + 1:
                raise self._broken(before + 1, "is missing")
            # TypeError and UnicodeError: a damaged row may hold values of any type.
            try:
                digest = redacted or b"" if payload is None else digest_of(payload.encode(), tokens)
                intact = link(previous, digest, id_bytes, seq, kind, version, time) == hash and position > last_position
            except (TypeError, AttributeError, UnicodeError):
                intact = False
            if not intact:
                raise self._broken(seq, "is not as it was written")
            event = self._event(seq, kind, version, payload, tokens)
            yield StoredEvent(branch=branch, seq=seq, position=position, time=time, hash=hash, event=event)
            before, previous, last_position = seq, hash, position
        self._seq, self._hash, self._position = before, previous, last_position

    def _event(self, seq: int, kind: str, version: int, payload: str | None, tokens: bytes | None) -> Event:
        if payload is None:
            return UnknownEvent(name=kind, schema_version=version, payload="")
        try:
            return decode(kind, version, payload, tokens)
        except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
            raise self._broken(seq, "cannot be read") from error

    def _broken(self, seq: int, what: str) -> DatabaseCorrupt:
        return DatabaseCorrupt(
            f"event {seq} of session {self._session!r} {what} in {self._where}: "
            f"restore the file from a backup, or fork the session at {seq - 1} to go on from before the damage"
        )
