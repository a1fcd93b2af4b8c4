"""Going along a path: rows, checked against the hash chain, turned into events."""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from gptoss.engine.errors import DatabaseCorrupt
from gptoss.engine.events import Event, StoredEvent, UnknownEvent
from gptoss.storage.chain import HASH_SIZE, ROOT, blake2b, fill_header, header_of, link, link_redacted
from gptoss.storage.codec import decode, readers
from gptoss.storage.rows import Head, Row, Segment, key_of
from gptoss.storage.statements import FORMS

PAGE = 500
"""Events fetched at a time: few enough to be still in the processor's cache when they are hashed and decoded. No query
stays open between pages, so a slow reader never keeps an old snapshot alive.
"""

Between = Callable[[Segment, int, int], Iterable[Row]]
"""(segment, after, until) -> the rows of its branch with after < seq <= until, in the order of seq."""

Brief = tuple[Any, ...]
"""form, time, messages, content: of a row, what its event and the next hash take. `form` is a number for its kind and
version (`gptoss.storage.statements.FORMS`), `content` what the chain hashes (`gptoss.storage.chain.digest_of`).
"""

Briefly = Callable[[Segment, int, int], list[Brief]]
"""The same rows as `Between` gives, in brief, and one more, whose content is the hash of the last."""

MISSING = "is missing"
ALTERED = "is not as it was written"
_DAMAGE = (ValueError, TypeError, KeyError, struct.error, msgspec.MsgspecError)
"""What values that were never written raise on the way to an event."""


class Walk:
    """Goes along a path and yields its events.

    Rows must arrive without a gap and chained; otherwise DatabaseCorrupt, naming the first event that is not as it was
    written. `where` is what the sentence calls the place, such as a path.
    """

    def __init__(self, session: str, where: str) -> None:
        self._session = session
        self._where = where
        self._seq = 0
        self._hash = ROOT

    def path(
        self,
        path: Sequence[Segment],
        seal: Head,
        after: int,
        until: int | None,
        between: Between,
        briefly: Briefly | None = None,
    ) -> Iterator[StoredEvent]:
        """The events with after < seq <= until on a path.

        `seal` is an event on the path's last branch that is known from elsewhere: without it, a chain that lost its end
        would look whole. With `briefly`, a page is read in brief and proved whole by its last hash, which covers all
        before it; a page that is not so is read again row by row, which names the row. What is in no event and in no
        later hash is not looked at then: the other hashes, and marks of a redaction where there was none.
        """
        # Unlike `yield from`, this leaves no generator between each event and whoever reads it.
        return chain.from_iterable(self._pages(path, seal, after, until, between, briefly))

    def _pages(
        self,
        path: Sequence[Segment],
        seal: Head,
        after: int,
        until: int | None,
        between: Between,
        briefly: Briefly | None,
    ) -> Iterator[Iterable[StoredEvent]]:
        """The events of a path page by page, each of which must be taken before the next."""
        head = path[-1].until if path else 0
        last = head if until is None else min(until, head)
        after = max(after, 0)
        if after >= last:
            return
        self._begin(path, after, between)
        for part, first, final in _pieces(path, seal.seq):
            first, final = max(first, after), min(final, last)
            forms = _Forms(part.branch.encode())
            for begin in range(first, final, PAGE):
                end = min(begin + PAGE, final)
                page = None if briefly is None else self._at_once(part, begin, end, briefly, forms)
                yield self._along(part, between(part, begin, end)) if page is None else page
                if self._seq < end:
                    raise self._broken(self._seq + 1, MISSING)
            if first < final == seal.seq and self._hash != seal.hash:
                raise self._broken(self._seq, ALTERED)

    def _begin(self, path: Iterable[Segment], after: int, between: Between) -> None:
        """Stand on the event `after`, whose hash the next one follows; on 0, before the first."""
        for part in path:
            if part.after < after <= part.until:
                for row in between(part, after - 1, after):
                    self._seq, self._hash = after, row[5]
                    return
                raise self._broken(after, MISSING)

    def _at_once(
        self, part: Segment, after: int, until: int, briefly: Briefly, forms: "_Forms"
    ) -> list[StoredEvent] | None:
        """The events of a page; None for one that has to be read row by row."""
        page = briefly(part, after, until)
        if len(page) != until - after + 1:
            return None
        *_, hash_of_last = page.pop()
        branch, first = part.branch, key_of(part.key, 0)
        events: list[StoredEvent] = []
        hash = self._hash
        before: object = b""  # no form
        try:
            # What `link` does, written out: a call fewer for each event.
            for seq, (form, time, messages, content) in enumerate(page, after + 1):
                if form != before:
                    header, version, event_of = forms[form]
                    before = form
                fill_header(header, 0, hash, blake2b(content).digest(), seq, time, version, messages)
                hash = blake2b(header).digest()
                events.append(StoredEvent(branch, seq, first + seq, time, event_of(content)))
        except _DAMAGE:
            return None
        if hash[:HASH_SIZE] != hash_of_last:
            return None
        self._seq, self._hash = until, hash[:HASH_SIZE]
        return events

    def _along(self, part: Segment, rows: Iterable[Row]) -> Iterator[StoredEvent]:
        branch, branch_id, first = part.branch, part.branch.encode(), key_of(part.key, 0)
        for key, kind, version, time, messages, hash, payload, tokens, redacted in rows:
            seq = self._seq + 1
            if key != first + seq:
                raise self._broken(seq, MISSING)
            before = (self._hash, branch_id, seq, kind, version, time, messages)
            try:
                if redacted is not None:
                    expected = link_redacted(*before, payload, tokens, redacted)
                elif payload is not None:
                    expected = link(*before, payload, tokens)
                else:
                    expected = b""
            except (TypeError, struct.error):  # values of a type that was never written
                expected = b""
            if hash != expected:
                raise self._broken(seq, ALTERED)
            try:
                event = _redacted(kind, version) if payload is None else decode(kind, version, payload, tokens)
            except _DAMAGE as error:
                raise self._broken(seq, "cannot be read") from error
            self._seq, self._hash = seq, hash
            yield StoredEvent(branch, seq, key, time, event, redacted is not None)

    def _broken(self, seq: int, what: str) -> DatabaseCorrupt:
        return DatabaseCorrupt(
            f"event {seq} of session {self._session!r} {what} in {self._where}: "
            f"restore the file from a backup, or fork the session at {seq - 1} to go on from before the damage"
        )


class _Forms(dict[object, tuple[bytearray, int, Callable[[bytes], Event]]]):
    """form -> what its events on a branch share: the header to fill, the version, and what reads their content.

    KeyError for what only `decode` can decode: unknown kinds and versions, and old ones.
    """

    def __init__(self, branch: bytes) -> None:
        self._branch = branch

    def __missing__(self, form: object) -> tuple[bytearray, int, Callable[[bytes], Event]]:
        kind, version = FORMS[form]
        self[form] = found = (header_of(kind.encode(), self._branch), version, readers[kind])
        return found


def _pieces(path: Iterable[Segment], cut: int) -> Iterator[tuple[Segment, int, int]]:
    """(segment, after, until), cut in two at the event `cut` if that is within a segment."""
    for part in path:
        middle = min(max(part.after, cut), part.until)
        yield part, part.after, middle
        yield part, middle, part.until


def _redacted(kind: bytes, version: int) -> UnknownEvent:
    return UnknownEvent(name=kind.decode(), schema_version=version, payload="")
