"""Rows of the events table: what they hold, how they are made, which of them are a path."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import Event, StoredEvent
from gptoss.storage.chain import digest_of, link, tombstone
from gptoss.storage.codec import encode
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
        StoredEvent(branch, row[0] & SEQ_MASK, row[0], row[3], event) for row, event in zip(rows, events, strict=True)
    ]
