"""The event log in a SQL database, by the statements of `gptoss.storage.statements`.

They run on the driver's own cursor: going through SQLAlchemy's `Connection.execute` would cost several times what
SQLite needs for a whole append.
"""

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gptoss.engine.errors import BranchBusy, DatabaseLocked, HeadConflict, StorageError
from gptoss.engine.events import BranchForked, Event, SessionStarted, StoredEvent
from gptoss.engine.ports import BranchInfo, Collected, Lease, SessionInfo
from gptoss.engine.records import SessionRecords
from gptoss.engine.redaction import Redaction, plan
from gptoss.engine.settings import Settings
from gptoss.storage import inserting, refusals, removing
from gptoss.storage import statements as sql
from gptoss.storage.chain import ROOT
from gptoss.storage.database import Database, SqliteDatabase
from gptoss.storage.leases import HeldLease
from gptoss.storage.naming import blob_id, checked_name, free_name, new_id
from gptoss.storage.processes import this_host, when_began
from gptoss.storage.projections import ROOT_BRANCH, is_notable
from gptoss.storage.reading import Reading
from gptoss.storage.rebuilding import rebuild
from gptoss.storage.redacting import summary, told
from gptoss.storage.restoring import restorable
from gptoss.storage.rows import Head, rows_of, stored_events
from gptoss.storage.transaction import Transaction
from gptoss.storage.writing import KnownBranch, Overtaken, Writer

SEAL_EVERY = 16
"""A branch's row names its newest event, so that a branch that lost its end does not look whole. That is a second page
to write, which takes as long as the rest of a commit, so it is done at the end of a generation, when the log is closed
and after this many events, not every time."""


class SqlLog(Reading):
    """An `EventLog` (see `gptoss.engine.ports`). One object may be used by several threads, one call at a time."""

    def __init__(self, database: Path | Database) -> None:
        """Open the database (a path is one of SQLite's), creating or migrating it. StorageError when that cannot be."""
        self._database = SqliteDatabase(database) if isinstance(database, Path) else database
        self._index = self._database.index
        self.where = self._database.where
        self._cursor = self._database.open()
        self._lock = threading.RLock()
        self._known: dict[str, KnownBranch] = {}
        self._leases: list[HeldLease] = []
        self._writer = Writer(self._database, self._cursor)
        self._write = Transaction(self._lock, self._database, self._cursor, durable=True, alone=True)
        self._add = Transaction(self._lock, self._database, self._cursor, durable=True, alone=False)
        self._add_soon = Transaction(self._lock, self._database, self._cursor, durable=False, alone=False)

    def start(self, name: str, settings: Settings) -> SessionInfo:
        checked_name(name)
        now = _now()
        session, root = new_id(), new_id()
        with self._write as execute:
            if execute(sql.NAME_TAKEN, (name, 0)).fetchall():
                raise refusals.session_exists(name)
            ((session_key,),) = execute(sql.INSERT_SESSION, (session, name, now)).fetchall()
            started = SessionStarted(session=session, name=name, settings=settings)
            self._writer.begin(session_key, root, ROOT_BRANCH, None, Head(0, ROOT), started, now)
        return self.session(name)

    def append(
        self, branch: str, expected_seq: int, events: Sequence[Event], *, durable: bool = True
    ) -> list[StoredEvent]:
        try:
            with self._add if durable else self._add_soon:
                into = self._known.get(branch)
                if into is None or into.head.seq != expected_seq or not events:
                    into = self._writer.newest(branch)
                    if into.head.seq != expected_seq:
                        raise HeadConflict(branch, expected_seq, into.head.seq)
                notable = is_notable(events, into.head.messages)
                if notable:
                    refusals.check_appendable(events)
                rows, head = rows_of(events, branch, into.key, into.head, _now())
                self._writer.insert(rows, into.head)
                if notable:
                    self._writer.project(into, events)
                seals = durable and (notable or head.seq - into.sealed >= SEAL_EVERY)
                if seals:
                    self._writer.seal(into.key, head)
        except Overtaken:
            self._known.pop(branch, None)
            raise HeadConflict(branch, expected_seq, self.branch(branch).head) from None
        # Only now is it committed.
        into.head = head
        into.sealed = head.seq if seals else into.sealed
        self._known[branch] = into
        return stored_events(events, rows, branch)

    def fork(self, branch: str, at_seq: int, name: str | None = None) -> BranchInfo:
        id = new_id()
        with self._write as execute:
            parent = self._writer.newest(branch)
            if not 1 <= at_seq <= parent.head.seq:
                raise refusals.no_such_fork(at_seq, parent.head.seq)
            taken = {name for (name,) in execute(sql.BRANCH_NAMES, (parent.session,))}
            name = free_name(taken, len(taken) + 1) if name is None else checked_name(name)
            if name in taken:
                raise refusals.branch_exists(name)
            (last,) = self.records(branch, at_seq - 1, at_seq)
            shared = Head(at_seq, last.hash)
            forked = BranchForked(parent=branch, at_seq=at_seq, name=name)
            self._writer.begin(parent.session, id, name, parent.key, shared, forked, _now())
        return self.branch(id)

    def acquire(self, branch: str, *, take_over: bool = False) -> Lease:
        id, pid = new_id(), os.getpid()
        with self._write as execute:
            into = self._writer.newest(branch)
            holder = self.holder(branch)
            if holder is not None and not take_over:
                raise BranchBusy(holder.pid, holder.host)
            execute(sql.DELETE_LEASES, (into.key,))
            execute(sql.INSERT_LEASE, (into.key, id, this_host(), pid, when_began(pid) or "", _now()))
        lease = HeldLease(lambda: self._renew(id), lambda: self._release(id))
        self._leases.append(lease)
        return lease

    def delete(self, session: str) -> None:
        with self._write as execute:
            found = execute(sql.SESSION_KEY, (session,)).fetchall()
            if not found:
                raise refusals.no_session(session)
            ((key,),) = found
            removing.delete_session(execute, self._index, key)

    def redact(self, branch: str, seq: int, reason: str = "") -> Redaction:
        with self._write as execute:
            into = self._writer.newest(branch)
            refusals.check_redactable(seq, into.head.seq)
            beside = [id for (id,) in execute(sql.BRANCHES_BESIDE, (branch,)).fetchall()]
            histories = {id: list(self.read(id)) for id in beside}
            path = histories[branch]
            changes = plan(histories.values(), path[seq - 1].position)
            removing.redact_events(execute, self._index, changes)
            for holder, events in told(changes, branch, path, reason).items():
                at = self._writer.newest(holder)
                rows, head = rows_of(events, holder, at.key, at.head, _now())
                self._writer.insert(rows, at.head)
                self._writer.seal(at.key, head)
            blobs = removing.forget_blobs(execute, into.session)
        self._known.clear()
        try:
            erased = self._shrink(thorough=True)
        except StorageError:  # it is redacted, though there was no room to write the file anew
            erased = False
        return summary(changes, path, blobs, erased=erased)

    def collect(self, *, thorough: bool = False) -> Collected:
        before = self._database.size()
        with self._write as execute:
            held = [branch for (branch,) in execute(sql.HELD_BRANCHES).fetchall()]
            # A tool may have stored what its result will refer to in a moment.
            busy = any(self.holder(branch) is not None for branch in held)
            blobs = None if busy else removing.delete_unused_blobs(execute)
            self._index.merge(execute)
        erased = self._shrink(thorough=thorough)
        return Collected(blobs=blobs, before=before, after=self._database.size(), erased=erased)

    def put_blob(self, data: bytes) -> str:
        digest = blob_id(data)
        with self._write as execute:
            execute(sql.INSERT_BLOB, (digest, data))
        return digest

    def restore(self, sessions: Sequence[SessionRecords]) -> list[SessionInfo]:
        with self._write as execute:
            restored = restorable(sessions, _now(), lambda session: inserting.has_ids(execute, session))
            for session in restored:
                inserting.insert(execute, session)
        return [self.session(session.name) for session in restored]

    def repair(self) -> None:
        with self._write as execute:
            rebuild(execute, self._index, self._read_all)

    def close(self) -> None:
        for lease in self._leases:
            lease.release()
        with self._lock:
            lagging = [branch for branch in self._known.values() if branch.sealed < branch.head.seq]
            self._known.clear()
            # Nothing is lost when this fails: the end of a branch is only less well guarded.
            with suppress(StorageError):
                if lagging:
                    with self._write:
                        for branch in lagging:
                            self._writer.seal(branch.key, branch.head)
            self._database.close()

    def _read_all(self) -> None:
        for session in self.sessions():
            for branch in self.branches(session.id):
                for _ in self.read(branch.id, thorough=True):
                    pass

    def _shrink(self, *, thorough: bool) -> bool:
        """Give free pages back; False when another process keeps the file busy."""
        with self._lock:
            try:
                return self._database.shrink(thorough=thorough)
            except self._database.errors as error:
                wrapped = self._database.wrap(error)
                if isinstance(wrapped, DatabaseLocked):
                    return False
                raise wrapped from error

    def _renew(self, lease: str) -> bool:
        with self._add_soon as execute:
            return bool(execute(sql.RENEW_LEASE, (_now(), lease)).fetchall())

    def _release(self, lease: str) -> None:
        with self._add_soon as execute:
            execute(sql.RELEASE_LEASE, (lease,))

    def _catch_up(self) -> bool:
        try:
            if self._index.is_behind(self._rows):
                with self._write as execute:
                    self._index.catch_up(execute)
        except StorageError:
            return False
        return True

    def _rows(self, statement: str, parameters: Sequence[object] = ()) -> list[Any]:
        with self._lock:
            try:
                rows: list[Any] = self._cursor.execute(statement, parameters).fetchall()
            except self._database.errors as error:
                raise self._database.wrap(error) from error
        return rows


def _now() -> int:
    return time.time_ns() // 1000
