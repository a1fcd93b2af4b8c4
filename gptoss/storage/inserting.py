"""Writes a restored session into the tables."""

from collections.abc import Callable
from typing import Any

from gptoss.storage import refusals
from gptoss.storage import statements as sql
from gptoss.storage.restoring import RestoredSession
from gptoss.storage.rows import Row

Execute = Callable[..., Any]

_INSERT_EVENT = """
    INSERT INTO events (key, kind, version, time, messages, hash, payload, tokens, redacted)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_BRANCH_EXISTS = "SELECT 1 FROM branches WHERE id = ?"


def has_ids(execute: Execute, session: RestoredSession) -> bool:
    """Whether the session or one of its branches is in the tables already, by its id."""
    if execute(sql.SESSION_KEY, (session.id,)).fetchall():
        return True
    return any(execute(_BRANCH_EXISTS, (branch.id,)).fetchall() for branch in session.branches)


def insert(execute: Execute, session: RestoredSession) -> None:
    """Within the caller's transaction. SessionExists when the name is taken."""
    if execute(sql.NAME_TAKEN, (session.name, 0)).fetchall():
        raise refusals.session_exists(session.name)
    ((session_key,),) = execute(sql.INSERT_SESSION, (session.id, session.name, session.created)).fetchall()
    keys: dict[str, int] = {}
    for branch in session.branches:
        parent = None if branch.parent is None else keys[branch.parent.id]
        row = (branch.id, session_key, branch.name, parent, branch.at_seq, branch.head.seq, branch.head.hash)
        ((key,),) = execute(sql.INSERT_BRANCH, row).fetchall()
        keys[branch.id] = key
        if branch.preview:
            execute(sql.SET_PREVIEW, (branch.preview, key))
        for event in branch.rows(key):
            execute(_INSERT_EVENT, _bound(event))
    execute(sql.SET_CURRENT, (keys[session.current.id], session_key))
    for digest, data in session.blobs.items():
        execute(sql.INSERT_BLOB, (digest, data))
        execute(sql.INSERT_BLOB_USE, (session_key, digest))


def _bound(row: Row) -> tuple[Any, ...]:
    key, kind, version, time, messages, hash, payload, tokens, redacted = row
    return (
        key,
        kind.decode(),
        version,
        time,
        messages,
        hash,
        None if payload is None else payload.decode(),
        tokens,
        redacted,
    )
