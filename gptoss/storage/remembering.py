"""The reading half of the event log in memory: the rows that the tables would hold, read by the same code."""

import threading
from collections.abc import Iterator

from msgspec import Struct, field

from gptoss.engine.events import StoredEvent
from gptoss.engine.ports import BranchInfo, Fault, Holder, SessionInfo
from gptoss.engine.records import Record
from gptoss.engine.searching import SearchHit, SearchRequest
from gptoss.storage import refusals
from gptoss.storage.chain import ROOT
from gptoss.storage.records import records_along
from gptoss.storage.rows import Head, Row, Segment, segments
from gptoss.storage.searching import Found, continues, hits, readable
from gptoss.storage.statements import SEQ_BITS
from gptoss.storage.walk import Walk


class Branch(Struct, kw_only=True):
    """A branch and its rows, the first of which is the event after `at_seq`."""

    key: int
    id: str
    session: str
    name: str
    parent: str | None = None
    at_seq: int = 0
    rows: list[Row] = field(default_factory=list)
    head: Head = Head(0, ROOT)
    preview: str = ""

    @property
    def info(self) -> BranchInfo:
        return BranchInfo(
            id=self.id, session=self.session, name=self.name, parent=self.parent, at_seq=self.at_seq, head=self.head.seq
        )

    def between(self, after: int, until: int) -> list[Row]:
        first = self.at_seq + 1
        return self.rows[max(0, after + 1 - first) : until + 1 - first]


class Session(Struct, kw_only=True):
    """A session; `used` rises with each write, `blobs` are those that its events refer to."""

    id: str
    name: str
    branch: str
    created: int
    updated: int = 0
    used: int = 0
    blobs: set[str] = field(default_factory=set)


class Remembering:
    """An `EventReader` (see `gptoss.engine.ports`)."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._sessions: dict[str, Session] = {}
        self._branches: dict[str, Branch] = {}
        self._blobs: dict[str, bytes] = {}
        self._holders: dict[str, Holder] = {}

    def read(
        self, branch: str, after: int = 0, until: int | None = None, *, thorough: bool = False
    ) -> Iterator[StoredEvent]:
        walk, path, head = self._path(branch)
        return walk.path(path, head, after, until, self._between)

    def records(self, branch: str, after: int = 0, until: int | None = None) -> Iterator[Record]:
        walk, path, head = self._path(branch)
        return records_along(walk, path, head, after, until, self._between)

    def session(self, name: str) -> SessionInfo:
        with self._lock:
            for session in self._sessions.values():
                if session.name == name:
                    return self._info(session)
        raise refusals.no_session(name)

    def sessions(self) -> list[SessionInfo]:
        with self._lock:
            newest_first = sorted(self._sessions.values(), key=lambda session: session.used, reverse=True)
            return [self._info(session) for session in newest_first]

    def branch(self, branch: str) -> BranchInfo:
        with self._lock:
            return self._branch(branch).info

    def branches(self, session: str) -> list[BranchInfo]:
        with self._lock:
            return [branch.info for branch in self._branches.values() if branch.session == session]

    def holder(self, branch: str) -> Holder | None:
        with self._lock:
            return self._holders.get(branch)

    def search(self, request: SearchRequest) -> list[SearchHit]:
        with self._lock:
            rows = [(row[3], row, branch) for branch in self._branches.values() for row in branch.rows]
            rows.sort(key=lambda found: found[:1], reverse=True)
            found = [
                Found(row[0], name, branch.id, branch.name, time, event)
                for time, row, branch in rows
                if (name := self._sessions[branch.session].name) == (request.session or name)
                and request.since <= time < request.until
                and row[6] is not None
                and row[8] is None
                and (event := readable(row[1], row[2], row[6])) is not None
            ]
            return hits(found, request, self._is_continued, request.query.matches)

    def faults(self, session: str | None = None) -> list[Fault]:
        if session is not None and session not in self._sessions:
            raise refusals.no_session(session)
        return []  # memory does not rot

    def get_blob(self, digest: str) -> bytes:
        with self._lock:
            if digest not in self._blobs:
                raise refusals.no_blob(digest)
            return self._blobs[digest]

    def close(self) -> None:
        pass

    def _path(self, branch: str) -> tuple[Walk, list[Segment], Head]:
        with self._lock:
            found = self._branch(branch)
            path = segments(self._lineage(branch), found.head.seq)
            return Walk(self._sessions[found.session].name, "memory"), path, found.head

    def _branch(self, branch: str) -> Branch:
        if branch not in self._branches:
            raise refusals.no_branch(branch)
        return self._branches[branch]

    def _is_continued(self, key: int, generation: int) -> bool:
        branch = next(branch for branch in self._branches.values() if branch.key == key >> SEQ_BITS)
        later = (readable(row[1], row[2], row[6]) for row in branch.rows if row[0] > key and row[6] is not None)
        return any(continues(event, generation) for event in later)

    def _info(self, session: Session) -> SessionInfo:
        branches = [branch for branch in self._branches.values() if branch.session == session.id]
        return SessionInfo(
            id=session.id,
            name=session.name,
            branch=session.branch,
            created=session.created,
            updated=session.updated,
            messages=sum(branch.head.messages for branch in branches),
            preview=next((branch.preview for branch in branches if branch.preview), ""),
        )

    def _lineage(self, branch: str) -> Iterator[tuple[int, str, int]]:
        at: str | None = branch
        while at is not None:
            found = self._branches[at]
            yield found.key, found.id, found.at_seq
            at = found.parent

    def _between(self, part: Segment, after: int, until: int) -> list[Row]:
        return self._branches[part.branch].between(after, until)
