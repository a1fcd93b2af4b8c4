"""Takes things out of the tables for good, within the caller's transaction. `execute` is a cursor's."""

from collections.abc import Callable
from typing import Any

from gptoss.storage import statements as sql
from gptoss.storage.database import Index
from gptoss.storage.rebuilding import project
from gptoss.storage.redacting import Changes
from gptoss.storage.rows import Row, key_of, redacted_row

Execute = Callable[..., Any]


def delete_session(execute: Execute, index: Index, session: int) -> None:
    """The session with that key: its rows, and blobs that nothing else refers to."""
    orphans = execute(sql.ORPHANED_BLOBS, (session, session)).fetchall()
    branches = execute(sql.BRANCH_KEYS, (session,)).fetchall()
    index.forget(execute, [(key_of(branch, 0), key_of(branch, indexed)) for branch, indexed in branches])
    for branch, _ in branches:
        execute(sql.DELETE_EVENTS, (key_of(branch, 0), key_of(branch + 1, 0)))
    for statement in sql.DELETE_SESSION:
        execute(statement, (session,))
    for orphan in orphans:
        execute(sql.DELETE_BLOB, orphan)


def redact_events(execute: Execute, index: Index, changes: Changes) -> None:
    index.forget(execute, [(key - 1, key) for key in changes if _is_indexed(execute, key)])
    for key, (_, left) in changes.items():
        row: Row = execute(sql.EVENTS, (key - 1, key)).fetchone()
        *_, payload, tokens, redacted = redacted_row(row, left)
        execute(sql.REDACT, (None if payload is None else payload.decode(), tokens, redacted, key))


def forget_blobs(execute: Execute, session: int) -> int:
    """Compute again what the session's rows say of its events; the number of blobs that this left without a use."""
    used = execute(sql.USED_BLOBS, (session,)).fetchall()
    project(execute, session)
    unused = {digest for (digest,) in execute(sql.UNUSED_BLOBS).fetchall()}
    gone = [digest for (digest,) in used if digest in unused]
    for digest in gone:
        execute(sql.DELETE_BLOB, (digest,))
    return len(gone)


def delete_unused_blobs(execute: Execute) -> int:
    unused = execute(sql.UNUSED_BLOBS).fetchall()
    for (digest,) in unused:
        execute(sql.DELETE_BLOB, (digest,))
    return len(unused)


def _is_indexed(execute: Execute, key: int) -> bool:
    ((indexed,),) = execute(sql.INDEXED, (key >> sql.SEQ_BITS,)).fetchall()
    return bool(key & sql.SEQ_MASK <= indexed)
