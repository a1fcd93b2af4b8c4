"""The rows of a branch as they are written, inside a transaction that the caller has begun."""

from collections.abc import Iterable, Sequence
from typing import Any

from gptoss.engine.events import Event
from gptoss.storage import refusals
from gptoss.storage import statements as sql
from gptoss.storage.database import Database
from gptoss.storage.naming import checked_name
from gptoss.storage.projections import changes
from gptoss.storage.rows import Head, NewRow, key_of, rows_of


class KnownBranch:
    """The keys of a branch and its session, and the newest event that this log has written to it.

    Whoever appends after it need not ask for the head: that the event before is there and the next key is free, which
    the insertion finds out by itself, is the compare-and-swap. A database on a server may lose events that were not
    asked to be durable while this log lives. `sealed` is the seq that the branch's row knows.
    """

    __slots__ = ("head", "key", "sealed", "session")

    def __init__(self, key: int, session: int, head: Head, sealed: int) -> None:
        self.key = key
        self.session = session
        self.head = head
        self.sealed = sealed


class Overtaken(Exception):
    """Another process has written the seq that was to be written here, or deleted the branch."""


class Writer:
    """Writes through the cursor of a database."""

    def __init__(self, database: Database, cursor: Any) -> None:
        self._database = database
        self._cursor = cursor

    def newest(self, branch: str) -> KnownBranch:
        """The branch with that id as the database holds it, or SessionNotFound."""
        row = self._cursor.execute(sql.HEAD, (branch,)).fetchone()
        if row is None:
            raise refusals.no_branch(branch)
        key, session, sealed, *head = row
        return KnownBranch(key, session, Head(*head), sealed)

    def begin(self, session: int, id: str, name: str, parent: int | None, before: Head, first: Event, now: int) -> None:
        """A new branch and the event that begins it, which follows `before`."""
        execute = self._cursor.execute
        branch = (id, session, name, parent, before.seq, before.seq, before.hash)
        ((key,),) = execute(sql.INSERT_BRANCH, branch).fetchall()
        ((row, kind, version, at, messages, hash, payload, _),), head = rows_of([first], id, key, before, now)
        execute(sql.INSERT_FIRST_EVENT, (row, kind.decode(), version, at, messages, hash, payload.decode()))
        self.project(KnownBranch(key, session, before, before.seq), [first])
        self.seal(key, head)

    def insert(self, rows: Iterable[NewRow], before: Head) -> None:
        """Insert rows of a branch after `before`; Overtaken when its newest event is another one, or it is gone."""
        bound, parameters, previous = self._database.bound, [], bytearray(before.hash)
        for key, kind, version, at, messages, hash, payload, tokens in rows:
            after, previous = previous, bytearray(hash)
            row = (key, kind.decode(), key - 1, after, version, at, messages, previous, payload.decode(), bound(tokens))
            parameters.append(row)
        try:
            self._cursor.executemany(sql.INSERT_EVENT, parameters)
        except self._database.conflict as error:
            raise Overtaken from error

    def seal(self, branch: int, head: Head) -> None:
        """Let the row of a branch (its key) know of its newest event."""
        hash = bytearray(head.hash)
        self._cursor.execute(sql.SET_SEAL, (head.seq, hash, branch, head.seq, key_of(branch, head.seq), hash))

    def project(self, branch: KnownBranch, events: Sequence[Event]) -> None:
        """Bring the rows of a branch and its session up to date with events that are new."""
        execute = self._cursor.execute
        changed = changes(events, branch.head.messages)
        if changed.preview:
            execute(sql.SET_PREVIEW, (changed.preview, branch.key))
        if changed.name is not None:
            if execute(sql.NAME_TAKEN, (checked_name(changed.name), branch.session)).fetchall():
                raise refusals.session_exists(changed.name)
            try:
                execute(sql.SET_NAME, (changed.name, branch.session))
            except self._database.conflict as error:  # somebody was faster
                raise refusals.session_exists(changed.name) from error
        if changed.current:
            execute(sql.SET_CURRENT, (branch.key, branch.session))
        for digest in changed.blobs:
            if not execute(sql.BLOB_EXISTS, (digest,)).fetchall():
                raise refusals.no_blob(digest)
            execute(sql.INSERT_BLOB_USE, (branch.session, digest))
