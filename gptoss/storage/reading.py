"""The reading half of the event log, over nothing but SQL text.

`SqliteReader` runs it on a connection that cannot write: listing or exporting sessions imports no more than that takes.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptoss.engine.errors import DatabaseCorrupt
from gptoss.engine.events import StoredEvent
from gptoss.engine.ports import BranchInfo, Fault, Holder, SessionInfo
from gptoss.engine.records import Record
from gptoss.engine.searching import SearchHit, SearchRequest
from gptoss.storage import index, refusals
from gptoss.storage import statements as sql
from gptoss.storage.naming import blob_id
from gptoss.storage.processes import is_held
from gptoss.storage.records import records_along
from gptoss.storage.rows import Head, Row, Segment, key_of, segments
from gptoss.storage.schema import is_current
from gptoss.storage.searching import Found, continues, hits, readable
from gptoss.storage.sqlite import ERRORS, connect, connect_read_only, revision, wrap
from gptoss.storage.walk import Brief, Walk

if TYPE_CHECKING:
    from gptoss.storage.database import Index


class Reading:
    """An `EventReader` (see `gptoss.engine.ports`) for whoever can run a query."""

    where: str
    _index: "Index"

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query; errors are StorageErrors."""
        raise NotImplementedError

    def session(self, name: str) -> SessionInfo:
        for row in self._rows(sql.SESSION_NAMED, (name,)):
            return _session(row)
        raise refusals.no_session(name)

    def sessions(self) -> list[SessionInfo]:
        return [_session(row) for row in self._rows(sql.SESSIONS)]

    def branch(self, branch: str) -> BranchInfo:
        for row in self._rows(sql.BRANCH, (branch,)):
            return _branch(row)
        raise refusals.no_branch(branch)

    def branches(self, session: str) -> list[BranchInfo]:
        return [_branch(row) for row in self._rows(sql.BRANCHES, (session,))]

    def read(
        self, branch: str, after: int = 0, until: int | None = None, *, thorough: bool = False
    ) -> Iterator[StoredEvent]:
        walk, path, seal = self._path(branch)
        return walk.path(path, seal, after, until, self._between, None if thorough else self._briefly)

    def records(self, branch: str, after: int = 0, until: int | None = None) -> Iterator[Record]:
        walk, path, seal = self._path(branch)
        return records_along(walk, path, seal, after, until, self._between)

    def _path(self, branch: str) -> tuple[Walk, list[Segment], Head]:
        for session, sealed, hash, newest in self._rows(sql.SEAL, (branch,)):
            lineage = self._rows(sql.LINEAGE, (branch,))
            try:
                head = max(sealed, newest or 0)
                path = segments(lineage, head)
            except TypeError as error:
                raise DatabaseCorrupt(
                    f"the branches of session {session!r} are damaged in {self.where}: restore the file from a backup"
                ) from error
            return Walk(session, self.where), path, Head(sealed, hash)
        raise refusals.no_branch(branch)

    def holder(self, branch: str) -> Holder | None:
        for host, pid, began, heartbeat in self._rows(sql.LEASE, (branch,)):
            holder = Holder(pid=pid, host=host.partition("/")[0], heartbeat=heartbeat)
            return holder if is_held(holder, began, host, time.time_ns() // 1000) else None
        return None

    def search(self, request: SearchRequest) -> list[SearchHit]:
        where = (request.session, request.since, request.until)
        found: list[SearchHit] = []
        # An index that is damaged loses nothing that was said: `gptoss doctor` finds that, and mends it.
        with suppress(DatabaseCorrupt):
            asked = self._index.expression(request.query)
            if asked is not None and self._catch_up():
                indexed = self._found(self._rows(self._index.MATCHES, (asked, *where)))
                found = hits(indexed, request, self._is_continued, request.query.keeps_phrases)
        if not found:
            scanned = self._found(self._rows(sql.SCAN, where))
            found = hits(scanned, request, self._is_continued, request.query.matches)
        return found

    def faults(self, session: str | None = None) -> list[Fault]:
        from gptoss.storage import books  # few ask

        if session is None:
            return list(books.faults(self._rows, None))
        for (key,) in self._rows(sql.SESSION_KEY, (session,)):
            return list(books.faults(self._rows, key))
        raise refusals.no_session(session)

    def get_blob(self, digest: str) -> bytes:
        for (data,) in self._rows(sql.BLOB, (digest,)):
            if blob_id(data) != digest:
                raise DatabaseCorrupt(f"the stored file {digest} is damaged in {self.where}: restore it from a backup")
            return bytes(data)
        raise refusals.no_blob(digest)

    def _catch_up(self) -> bool:
        """Bring the full-text index up to date; False when it cannot be."""
        raise NotImplementedError

    def _found(self, keys: Sequence[tuple[int]]) -> Iterator[Found]:
        for (key,) in keys:
            for session, branch, name, at, kind, version, payload in self._rows(sql.HIT, (key,)):
                event = readable(kind, version, payload)
                if event is not None:
                    yield Found(key, session, branch, name, at, event)

    def _is_continued(self, key: int, generation: int) -> bool:
        end = key_of((key >> sql.SEQ_BITS) + 1, 0)
        return any(
            continues(readable(b"GenerationStarted", version, payload), generation)
            for version, payload in self._rows(sql.NEXT_GENERATION, (key, end))
        )

    def _between(self, part: Segment, after: int, until: int) -> list[Row]:
        return self._rows(sql.EVENTS, (key_of(part.key, after), key_of(part.key, until)))

    def _briefly(self, part: Segment, after: int, until: int) -> list[Brief]:
        last = key_of(part.key, until)
        return self._rows(sql.BRIEFLY, (key_of(part.key, after), last, last))


def _session(row: Any) -> SessionInfo:
    id, name, branch, created, updated, messages, preview = row
    return SessionInfo(
        id=id, name=name, branch=branch, created=created, updated=updated, messages=messages, preview=preview
    )


def _branch(row: Any) -> BranchInfo:
    id, session, name, parent, at_seq, head = row
    return BranchInfo(id=id, session=session, name=name, parent=parent, at_seq=at_seq, head=head)


class SqliteReader(Reading):
    """Reads a database file. It writes nothing, needs no write permission, and blocks no writer."""

    def __init__(self, path: Path) -> None:
        """StorageError when there is no such file or it cannot be read."""
        self.path = path
        self.where = str(path)
        self._index = index
        try:
            self._connection = connect_read_only(path)
        except ERRORS as error:
            raise wrap(error, path) from error

    @property
    def is_current(self) -> bool:
        """Whether the file has the schema of this release; SchemaTooNew when it has a newer one."""
        found = revision(self._rows, self.where)
        return found is not None and is_current(found, self.where)

    def close(self) -> None:
        self._connection.close()

    def _catch_up(self) -> bool:
        if not index.is_behind(self._rows):
            return True
        # The one thing that this reader has written, by a connection of its own, and it does without if it must.
        try:
            with closing(connect(self.path)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                index.catch_up(connection.execute)
                connection.execute("COMMIT")
        except ERRORS:
            return False
        return True

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        try:
            rows: list[Any] = self._connection.execute(statement, parameters).fetchall()
        except ERRORS as error:
            raise wrap(error, self.path) from error
        return rows
