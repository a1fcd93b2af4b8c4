"""Computes everything again that can be computed from the events.

What a row of a session or branch holds besides its key and id is such a projection, and so is which session uses which
blob.
"""

from collections.abc import Callable
from typing import Any

from gptoss.storage import statements as sql
from gptoss.storage.books import books
from gptoss.storage.database import Index
from gptoss.storage.projections import FEW

Execute = Callable[..., Any]


def rebuild(execute: Execute, index: Index, verify: Callable[[], None]) -> None:
    """Within the caller's transaction. `execute` is a cursor's.

    `verify` reads all branches, and raises when one is damaged: in the midst, because a damaged row of a branch may be
    all that makes it unreadable, and before the new end of a branch is believed to be its end.
    """
    project(execute)
    verify()
    execute(sql.SET_SEALS)
    index.rebuild(execute)


def project(execute: Execute, only: int | None = None) -> None:
    """What the rows of sessions and branches say, of all sessions or the one with that key."""
    for statement in sql.FORGET_PROJECTIONS:
        execute(statement, (only,))
    found = books(execute(sql.NOTABLE_EVENTS, (only, FEW)).fetchall())
    # Two sessions may have swapped names over time: only the last ones are sure to differ from each other.
    for session in found.sessions:
        execute(sql.SET_NAME, (f"\x01{session}", session))
    for session, of_session in found.sessions.items():
        execute(sql.SET_NAME, (of_session.name, session))
        execute(sql.SET_CURRENT, (of_session.branch, session))
        execute(sql.SET_CREATED, (of_session.created, session))
    for branch, of_branch in found.branches.items():
        execute(sql.SET_ORIGIN, (of_branch.name, of_branch.at_seq, of_branch.parent, branch))
        execute(sql.SET_PREVIEW, (of_branch.preview, branch))
    for use in found.uses:
        execute(sql.INSERT_BLOB_USE, use)
