"""Rows as records: what leaves the log byte for byte. The way back is `gptoss.storage.restoring`."""

from collections.abc import Iterator, Sequence

from gptoss.engine.events import StoredEvent, TokensSampled
from gptoss.engine.records import Record
from gptoss.storage.rows import Head, Row, Segment
from gptoss.storage.varint import encode_ids
from gptoss.storage.walk import Between, Walk


def records_along(
    walk: Walk, path: Sequence[Segment], seal: Head, after: int, until: int | None, between: Between
) -> Iterator[Record]:
    """What `Walk.path` reads, as records."""
    newest: list[Row] = []

    def noted(part: Segment, first: int, last: int) -> Iterator[Row]:
        for row in between(part, first, last):
            newest[:] = [row]
            yield row

    # The walk takes one row for each event that it gives.
    for stored in walk.path(path, seal, after, until, noted):
        yield _record(newest[0], stored)


def _record(row: Row, stored: StoredEvent) -> Record:
    _, kind, version, time, messages, hash, payload, tokens, redacted = row
    ids = stored.event.ids if isinstance(stored.event, TokensSampled) and tokens is not None else None
    if ids is not None and encode_ids(ids) != tokens:
        ids = None
    return Record(
        branch=stored.branch,
        seq=stored.seq,
        kind=kind.decode(),
        version=version,
        time=time,
        messages=messages,
        hash=bytes(hash),
        payload=None if payload is None else payload.decode(),
        ids=ids,
        packed=bytes(tokens) if tokens is not None and ids is None else None,
        digest=None if redacted is None else bytes(redacted),
    )
