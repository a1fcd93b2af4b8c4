"""The event log on SQLAlchemy: an engine, a connection, and the statements of `gptoss.storage.statements`.

SQLAlchemy connects, pools and migrates. The statements run on the driver's own cursor, because going through
`Connection.execute` costs several times what SQLite needs for a whole append.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

from gptoss.engine.errors import HeadConflict
from gptoss.engine.events import BranchForked, Event, SessionStarted, StoredEvent
from gptoss.engine.ports import BranchInfo, SessionInfo
from gptoss.engine.settings import Settings
from gptoss.storage import refusals
from gptoss.storage import statements as sql
from gptoss.storage.chain import ROOT
from gptoss.storage.database import SqliteDatabase
from gptoss.storage.naming import checked_name, free_name, new_id
from gptoss.storage.projections import ROOT_BRANCH, changes
from gptoss.storage.reading import Reading
from gptoss.storage.rows import Head, hash_at, rows_of, segments


class SqlLog(Reading):
    """An `EventLog` (see `gptoss.engine.ports`). One object may be used by several threads, one call at a time."""

    def __init__(self, path: Path) -> None:
        """Open the database, creating or migrating it as needed. StorageError when that cannot be."""
        self._database = SqliteDatabase(path)
        self.where = self._database.where
        self._cursor = self._database.open()
        self._lock = threading.RLock()
        self._write = _Transaction(self._lock, self._database, self._cursor, durable=True)
        self._write_soon = _Transaction(self._lock, self._database, self._cursor, durable=False)

    def start(self, name: str, settings: Settings) -> SessionInfo:
        checked_name(name)
        now = _now()
        session, root = new_id(), new_id()
        with self._write as execute:
            if execute(sql.NAME_TAKEN, (name, 0)).fetchall():
                raise refusals.session_exists(name)
            ((session_key,),) = execute(sql.INSERT_SESSION, (session, name, now)).fetchall()
            started = SessionStarted(session=session, name=name, settings=settings)
            self._begin_branch(session_key, root, ROOT_BRANCH, None, Head(0, ROOT), started, now)
        return self.session(name)

    def append(
        self, branch: str, expected_seq: int, events: Sequence[Event], *, durable: bool = True
    ) -> list[StoredEvent]:
        refusals.check_appendable(events)
        with self._write if durable else self._write_soon as execute:
            newest = execute(sql.HEAD, (branch,)).fetchone()
            if newest is None:
                raise refusals.no_branch(branch)
            key, session, seq, hash, position = newest
            if seq != expected_seq:
                raise HeadConflict(branch, expected_seq, seq)
            rows, stored = rows_of(events, branch=branch, head=Head(seq, hash), position=position + 1, time=_now())
            self._cursor.executemany(sql.INSERT_EVENT, [(key, *row) for row in rows])
            if rows:
                self._project(session, key, events, Head(stored[-1].seq, stored[-1].hash), durable)
        return stored

    def fork(self, branch: str, at_seq: int, name: str | None = None) -> BranchInfo:
        id = new_id()
        with self._write as execute:
            newest = execute(sql.HEAD, (branch,)).fetchone()
            if newest is None:
                raise refusals.no_branch(branch)
            key, session, head, _, _ = newest
            if not 1 <= at_seq <= head:
                raise refusals.no_such_fork(at_seq, head)
            taken = {name for (name,) in execute(sql.BRANCH_NAMES, (session,))}
            name = free_name(taken, len(taken) + 1) if name is None else checked_name(name)
            if name in taken:
                raise refusals.branch_exists(name)
            path = segments(execute(sql.LINEAGE, (branch,)).fetchall(), head)
            shared = Head(at_seq, hash_at(path, at_seq, self._between))
            forked = BranchForked(parent=branch, at_seq=at_seq, name=name)
            self._begin_branch(session, id, name, key, shared, forked, _now())
        return self.branch(id)

    def delete(self, session: str) -> None:
        with self._write as execute:
            found = execute(sql.SESSION_KEY, (session,)).fetchall()
            if not found:
                raise refusals.no_session(session)
            ((key,),) = found
            orphans = execute(sql.ORPHANED_BLOBS, (key, key)).fetchall()
            for statement in sql.DELETE_SESSION:
                execute(statement, (key,))
            for orphan in orphans:
                execute(sql.DELETE_BLOB, orphan)

    def put_blob(self, data: bytes) -> str:
        digest = blake2b(data, digest_size=32).hexdigest()
        with self._write as execute:
            execute(sql.INSERT_BLOB, (digest, data))
        return digest

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            try:
                rows: list[Any] = self._cursor.execute(statement, parameters).fetchall()
            except self._database.errors as error:
                raise self._database.wrap(error) from error
        return rows

    def _begin_branch(
        self, session: int, id: str, name: str, parent: int | None, before: Head, first: Event, now: int
    ) -> None:
        """A new branch and the event that begins it, which follows `before`."""
        execute = self._cursor.execute
        ((position,),) = execute(sql.NEXT_POSITION).fetchall()
        (row,), (stored,) = rows_of([first], branch=id, head=before, position=position, time=now)
        branch = (id, session, name, parent, before.seq, stored.seq, stored.hash)
        ((key,),) = execute(sql.INSERT_BRANCH, branch).fetchall()
        execute(sql.INSERT_EVENT, (key, *row))
        self._project(session, key, [first], Head(stored.seq, stored.hash), durable=True)

    def _project(self, session: int, branch: int, events: Sequence[Event], head: Head, durable: bool) -> None:
        """Bring the rows of a branch and its session up to date with events that end at `head`.

        A branch's own head may lag behind its events, because `HEAD` asks the events: it is only brought up when the
        commit is synced to the disk anyway, which spares most token batches a page.
        """
        execute = self._cursor.execute
        changed = changes(events)
        if changed is None:
            if durable:
                execute(sql.SET_WITNESS, (*head, branch))
            return
        execute(sql.SET_WITNESS_AND_MESSAGES, (*head, changed.messages, changed.preview, branch))
        if changed.name is not None:
            if execute(sql.NAME_TAKEN, (checked_name(changed.name), session)).fetchall():
                raise refusals.session_exists(changed.name)
            execute(sql.SET_NAME, (changed.name, session))
        if changed.current:
            execute(sql.SET_CURRENT, (branch, session))
        for digest in changed.blobs:
            if not execute(sql.BLOB_EXISTS, (digest,)).fetchall():
                raise refusals.no_blob(digest)
            execute(sql.INSERT_BLOB_USE, (session, digest))


class _Transaction:
    """`with transaction as execute`: committed at the end, or rolled back by whatever is raised.

    Written out rather than with contextlib, since every append goes through it.
    """

    def __init__(self, lock: threading.RLock, database: SqliteDatabase, cursor: Any, *, durable: bool) -> None:
        self._lock = lock
        self._database = database
        self._execute = cursor.execute
        self._durable = durable

    def __enter__(self) -> Any:
        self._lock.acquire()
        try:
            self._database.begin(self._durable)
        except BaseException as error:
            self._lock.release()
            self._raise_wrapped(error)
            raise
        return self._execute

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if error is None:
                self._execute("COMMIT")
        except BaseException as failure:
            self._roll_back()
            self._raise_wrapped(failure)
            raise
        else:
            if error is not None:
                self._roll_back()
                self._raise_wrapped(error)
        finally:
            self._lock.release()

    def _roll_back(self) -> None:
        # After a full disk, say, SQLite has rolled back already and answers that there is nothing to roll back.
        with suppress(self._database.errors):
            self._execute("ROLLBACK")

    def _raise_wrapped(self, error: BaseException) -> None:
        if isinstance(error, self._database.errors):
            raise self._database.wrap(error) from error


def _now() -> int:
    return time.time_ns() // 1000
