"""The rows beside the events, compared with what the events say.

Rows of sessions and branches and which session uses which blob can be computed again (`gptoss.storage.rebuilding`); a
row that is missing cannot. Reading a branch checks its events, this checks all else.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from gptoss.engine.events import BranchForked, SessionStarted
from gptoss.engine.ports import Fault
from gptoss.storage import statements as sql
from gptoss.storage.naming import blob_id
from gptoss.storage.projections import FEW, ROOT_BRANCH, changes, is_said
from gptoss.storage.searching import readable


class SessionBook(Struct):
    """What the events of a session say that its row should."""

    id: str = ""
    name: str = ""
    branch: int | None = None
    created: int = 0


class BranchBook(Struct):
    """The same for a branch; `parent` is an id."""

    name: str = ""
    parent: str | None = None
    at_seq: int = 0
    preview: str = ""


class Books(Struct):
    """By key: what all rows should say, and the blobs (session, digest) that events refer to."""

    sessions: dict[int, SessionBook]
    branches: dict[int, BranchBook]
    uses: set[tuple[int, str]]


Rows = Callable[..., Sequence[Any]]
"""Runs a query and gives all rows."""


def books(notable: Iterable[Any]) -> Books:
    """From the rows of `NOTABLE_EVENTS`. Events that cannot be read are left out: reading their branch names them."""
    found = Books({}, {}, set())
    for branch, session, messages, time, kind, version, payload in notable:
        event = readable(kind, version, payload)
        if event is None:
            continue
        of_session = found.sessions.setdefault(session, SessionBook())
        of_branch = found.branches.setdefault(branch, BranchBook())
        if isinstance(event, SessionStarted):
            of_session.id, of_session.created, of_branch.name = event.session, time, ROOT_BRANCH
        elif isinstance(event, BranchForked):
            of_branch.name, of_branch.parent, of_branch.at_seq = event.name, event.parent, event.at_seq
        changed = changes([event], messages - is_said(event))
        of_session.name = changed.name or of_session.name
        of_session.branch = branch if changed.current else of_session.branch
        of_branch.preview = of_branch.preview or changed.preview
        found.uses.update((session, digest) for digest in changed.blobs)
    return found


def faults(rows: Rows, only: int | None) -> Iterator[Fault]:
    """What is wrong beside the chains, of one session (its key) or of all."""
    names = {key: name for key, _, name, *_ in rows(sql.SESSION_ROWS, (only,))}
    expected = books(rows(sql.NOTABLE_EVENTS, (only, FEW)))
    yield from _missing(rows) if only is None else ()
    for key, id, name, branch, created in rows(sql.SESSION_ROWS, (only,)):
        of_session = expected.sessions.get(key, SessionBook())
        yield from _differing(name, {"name": (name, of_session.name), "current branch": (branch, of_session.branch)})
        yield from _differing(name, {"beginning": (created, of_session.created)})
        if id != of_session.id:
            yield Fault(session=name, problem=f"the events belong to a session {of_session.id}, not to {id}")
    for key, session, name, parent, parents_session, at_seq, preview in rows(sql.BRANCH_ROWS, (only,)):
        of_branch = expected.branches.get(key, BranchBook())
        where = names.get(session, "")
        yield from _differing(
            where,
            {
                f"name of branch {name}": (name, of_branch.name),
                f"parent of branch {name}": (parent, of_branch.parent),
                f"fork of branch {name}": (at_seq, of_branch.at_seq),
                f"preview of branch {name}": (preview, of_branch.preview),
            },
        )
        if parents_session not in (None, session):
            yield Fault(session=where, problem=f"branch {name} was forked from a branch of another session")
    used = {(session, digest) for session, digest in rows(sql.USE_ROWS, (only,))}
    for session, digest in sorted(used ^ expected.uses):
        yield Fault(session=names.get(session), problem=f"the use of file {digest} is booked wrongly", repairable=True)
    for digest in sorted({digest for _, digest in expected.uses} if only is not None else _digests(rows)):
        for (data,) in rows(sql.BLOB, (digest,)):
            if blob_id(data) != digest:
                yield Fault(session=None, problem=f"the stored file {digest} is damaged")
            break
        else:
            yield Fault(session=None, problem=f"the stored file {digest} is missing")


def _missing(rows: Rows) -> Iterator[Fault]:
    for (key,) in rows(sql.EVENTS_OF_NO_BRANCH):
        yield Fault(
            session=None,
            problem=f"the row of a branch is missing; its events have the keys from {key << sql.SEQ_BITS} on",
        )
    for (name,) in rows(sql.BRANCHES_OF_NO_SESSION):
        yield Fault(session=None, problem=f"the row of the session that branch {name} belongs to is missing")
    for name, branch in rows(sql.SESSIONS_OF_NO_BRANCH):
        yield Fault(session=name, problem=f"its current branch (key {branch}) is none of its own", repairable=True)


def _differing(session: str, pairs: dict[str, tuple[object, object]]) -> Iterator[Fault]:
    for what, (row, events) in pairs.items():
        if row != events:
            problem = f"the {what} is booked as {row!r}, and its events say {events!r}"
            yield Fault(session=session, problem=problem, repairable=True)


def _digests(rows: Rows) -> set[str]:
    return {digest for (digest,) in rows(sql.BLOB_DIGESTS)}
