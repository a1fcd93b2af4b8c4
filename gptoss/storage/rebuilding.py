"""Computes everything again that can be computed from the events.

What a row of a session or branch holds besides its key and id is such a projection, and so is which session uses which
blob. Rebuilding trusts the events: verify them first, because a branch that lost its end looks whole afterwards.
"""

from collections.abc import Callable
from typing import Any

from gptoss.engine.events import BranchForked, SessionStarted
from gptoss.storage import index
from gptoss.storage import statements as sql
from gptoss.storage.codec import decode
from gptoss.storage.projections import FEW, ROOT_BRANCH, changes, is_said

Execute = Callable[..., Any]


def rebuild(execute: Execute) -> None:
    """Within the caller's transaction. `execute` is a cursor's."""
    project(execute)
    execute(sql.SET_SEALS)
    index.rebuild(execute)


def project(execute: Execute, only: int | None = None) -> None:
    """What the rows of sessions and branches say, of all sessions or the one with that key."""
    for statement in sql.FORGET_PROJECTIONS:
        execute(statement, (only,))
    names: dict[int, str] = {}
    for branch, session, messages, time, kind, version, payload in execute(sql.NOTABLE_EVENTS, (only, FEW)).fetchall():
        event = decode(kind, version, payload, None)
        if isinstance(event, SessionStarted):
            execute(sql.SET_CREATED, (time, session))
            execute(sql.SET_ORIGIN, (ROOT_BRANCH, 0, None, branch))
        elif isinstance(event, BranchForked):
            execute(sql.SET_ORIGIN, (event.name, event.at_seq, event.parent, branch))
        changed = changes([event], messages - is_said(event))
        if changed.name is not None:
            names[session] = changed.name
        if changed.current:
            execute(sql.SET_CURRENT, (branch, session))
        if changed.preview:
            execute(sql.SET_PREVIEW, (changed.preview, branch))
        for digest in changed.blobs:
            execute(sql.INSERT_BLOB_USE, (session, digest))
    # Two sessions may have swapped names over time: only the last ones are sure to differ from each other.
    for session in names:
        execute(sql.SET_NAME, (f"\x01{session}", session))
    for session, name in names.items():
        execute(sql.SET_NAME, (name, session))
