"""The event log in memory: the twin of the one on SQL, for tests and for sessions that are not to be kept.

It holds the rows that the tables would hold and turns them into events by the same code, so an event that goes through
it is encoded, hashed and decoded like one on disk. It lives in one process and dies with it.
"""

import os
import time
from collections.abc import Sequence

from gptoss.engine.errors import BranchBusy, HeadConflict
from gptoss.engine.events import BranchForked, Event, SessionStarted, StoredEvent
from gptoss.engine.ports import BranchInfo, Collected, Holder, Lease, SessionInfo
from gptoss.engine.records import SessionRecords
from gptoss.engine.redaction import Redaction, plan
from gptoss.engine.settings import Settings
from gptoss.storage import refusals
from gptoss.storage.leases import HeldLease
from gptoss.storage.naming import blob_id, checked_name, free_name, new_id
from gptoss.storage.processes import this_host
from gptoss.storage.projections import ROOT_BRANCH, is_notable
from gptoss.storage.projections import changes as changes_of
from gptoss.storage.redacting import summary, told
from gptoss.storage.remembering import Branch, Remembering, Session
from gptoss.storage.restoring import RestoredSession, restorable
from gptoss.storage.rows import Head, redacted_row, rows_of, stored_events


class MemoryLog(Remembering):
    """An `EventLog` (see `gptoss.engine.ports`)."""

    def __init__(self) -> None:
        super().__init__()
        self._branch_count = 0
        self._writes = 0

    def start(self, name: str, settings: Settings) -> SessionInfo:
        with self._lock:
            self._check_free(checked_name(name))
            now = _now()
            root = Branch(key=self._new_key(), id=new_id(), session=new_id(), name=ROOT_BRANCH)
            started = SessionStarted(session=root.session, name=name, settings=settings)
            session = Session(id=root.session, name=name, branch=root.id, created=now)
            self._write(session, root, [started], now)
            self._sessions[session.id] = session
            self._branches[root.id] = root
            return self._info(session)

    def append(
        self, branch: str, expected_seq: int, events: Sequence[Event], *, durable: bool = True
    ) -> list[StoredEvent]:
        refusals.check_appendable(events)
        with self._lock:
            into = self._branch(branch)
            if into.head.seq != expected_seq:
                raise HeadConflict(branch, expected_seq, into.head.seq)
            return self._write(self._sessions[into.session], into, events, _now())

    def fork(self, branch: str, at_seq: int, name: str | None = None) -> BranchInfo:
        with self._lock:
            parent = self._branch(branch)
            if not 1 <= at_seq <= parent.head.seq:
                raise refusals.no_such_fork(at_seq, parent.head.seq)
            taken = {sibling.name for sibling in self._branches.values() if sibling.session == parent.session}
            name = free_name(taken, len(taken) + 1) if name is None else checked_name(name)
            if name in taken:
                raise refusals.branch_exists(name)
            (last,) = self.records(branch, at_seq - 1, at_seq)
            fork = Branch(
                key=self._new_key(),
                id=new_id(),
                session=parent.session,
                name=name,
                parent=branch,
                at_seq=at_seq,
                head=Head(at_seq, last.hash),
            )
            forked = BranchForked(parent=branch, at_seq=at_seq, name=name)
            self._write(self._sessions[fork.session], fork, [forked], _now())
            self._branches[fork.id] = fork
            return fork.info

    def acquire(self, branch: str, *, take_over: bool = False) -> Lease:
        with self._lock:
            self._branch(branch)
            holder = self._holders.get(branch)
            if holder is not None and not take_over:
                raise BranchBusy(holder.pid, holder.host)
            mine = Holder(pid=os.getpid(), host=this_host().partition("/")[0], heartbeat=_now())
            self._holders[branch] = mine
        return HeldLease(lambda: self._holders.get(branch) is mine, lambda: self._let_go(branch, mine))

    def delete(self, session: str) -> None:
        with self._lock:
            deleted = self._sessions.pop(session, None)
            if deleted is None:
                raise refusals.no_session(session)
            for branch in self.branches(session):
                del self._branches[branch.id]
                self._holders.pop(branch.id, None)
            for digest in deleted.blobs.difference(*(other.blobs for other in self._sessions.values())):
                self._blobs.pop(digest, None)

    def redact(self, branch: str, seq: int, reason: str = "") -> Redaction:
        with self._lock:
            found = self._branch(branch)
            refusals.check_redactable(seq, found.head.seq)
            session = self._sessions[found.session]
            histories = {info.id: list(self.read(info.id)) for info in self.branches(found.session)}
            path = histories[branch]
            changes = plan(histories.values(), path[seq - 1].position)
            for stored, left in changes.values():
                into = self._branch(stored.branch)
                at = stored.seq - into.at_seq - 1
                into.rows[at] = redacted_row(into.rows[at], left)
            for holder, events in told(changes, branch, path, reason).items():
                self._write(session, self._branch(holder), events, _now())
            before, session.blobs = session.blobs, set()
            for info in self.branches(session.id):
                left_over = changes_of([stored.event for stored in self.read(info.id, info.at_seq)], 0)
                self._branch(info.id).preview = left_over.preview
                session.blobs.update(left_over.blobs)
            gone = before.difference(*(other.blobs for other in self._sessions.values()))
            for digest in gone:
                del self._blobs[digest]
            return summary(changes, path, len(gone), erased=True)

    def collect(self, *, thorough: bool = False) -> Collected:
        with self._lock:
            if self._holders:
                return Collected(blobs=None)
            unused = set(self._blobs).difference(*(session.blobs for session in self._sessions.values()))
            for digest in unused:
                del self._blobs[digest]
            return Collected(blobs=len(unused))

    def repair(self) -> None:
        pass

    def put_blob(self, data: bytes) -> str:
        digest = blob_id(data)
        with self._lock:
            self._blobs.setdefault(digest, data)
        return digest

    def restore(self, sessions: Sequence[SessionRecords]) -> list[SessionInfo]:
        with self._lock:
            restored = restorable(sessions, _now(), self._has_ids)
            for session in restored:
                self._check_free(session.name)
            for session in restored:
                self._restore(session)
            return [self.session(session.name) for session in restored]

    def _has_ids(self, session: RestoredSession) -> bool:
        return session.id in self._sessions or any(branch.id in self._branches for branch in session.branches)

    def _restore(self, session: RestoredSession) -> None:
        for branch in session.branches:
            key = self._new_key()
            self._branches[branch.id] = Branch(
                key=key,
                id=branch.id,
                session=session.id,
                name=branch.name,
                parent=None if branch.parent is None else branch.parent.id,
                at_seq=branch.at_seq,
                rows=branch.rows(key),
                head=branch.head,
                preview=branch.preview,
            )
        self._blobs.update(session.blobs)
        self._writes += 1
        self._sessions[session.id] = Session(
            id=session.id,
            name=session.name,
            branch=session.current.id,
            created=session.created,
            updated=session.updated,
            used=self._writes,
            blobs=set(session.blobs),
        )

    def _let_go(self, branch: str, holder: Holder) -> None:
        with self._lock:
            if self._holders.get(branch) is holder:
                del self._holders[branch]

    def _new_key(self) -> int:
        self._branch_count += 1
        return self._branch_count

    def _check_free(self, name: str) -> None:
        if any(session.name == name for session in self._sessions.values()):
            raise refusals.session_exists(name)

    def _write(self, session: Session, branch: Branch, events: Sequence[Event], now: int) -> list[StoredEvent]:
        """All or nothing: whatever can refuse comes before the first change."""
        rows, head = rows_of(events, branch.id, branch.key, branch.head, now)
        if is_notable(events, branch.head.messages):
            changed = changes_of(events, branch.head.messages)
            if changed.name is not None and changed.name != session.name:
                self._check_free(checked_name(changed.name))
            for digest in changed.blobs:
                self.get_blob(digest)
            session.name = changed.name or session.name
            session.branch = branch.id if changed.current else session.branch
            branch.preview = branch.preview or changed.preview
            session.blobs.update(changed.blobs)
        if rows:
            branch.rows.extend((*row, None) for row in rows)
            branch.head = head
            self._writes += 1
            session.updated, session.used = now, self._writes
        return stored_events(events, rows, branch.id)


def _now() -> int:
    return time.time_ns() // 1000
