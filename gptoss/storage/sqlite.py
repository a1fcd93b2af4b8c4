"""What is particular to SQLite: its driver, its settings, its errors."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gptoss.engine.errors import (
    DatabaseCorrupt,
    DatabaseLocked,
    DatabaseReadOnly,
    DiskFull,
    StorageError,
)

# SQLite 3.7.0 to 3.51.2 can corrupt a WAL database when a reset of the log races with a checkpoint. The library of the
# system is often that old; pysqlite3 brings its own.
try:
    from pysqlite3 import dbapi2 as _driver
except ImportError:
    import sqlite3 as _driver

dbapi: Any = _driver

ERRORS: tuple[type[Exception], ...] = (dbapi.Error, UnicodeDecodeError)
"""What the driver raises; the second when it quotes a damaged file."""

BUSY_TIMEOUT_MS = 10_000
APPLICATION_ID = 0x67707473
"""Marks the file as ours ("gpts"), see https://www.sqlite.org/pragma.html#pragma_application_id."""

_SPARE_BYTES = 1 << 20


def connect(path: Path, *, check_same_thread: bool = True) -> Any:
    """A DB-API connection to a file that exists. The caller begins transactions by hand and wraps the errors."""
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"
    options: dict[str, Any] = {"uri": True, "isolation_level": None, "check_same_thread": check_same_thread}
    return dbapi.connect(uri, timeout=BUSY_TIMEOUT_MS / 1000, **options)


def connect_read_only(path: Path) -> Any:
    """A DB-API connection that cannot write. The caller wraps its errors, and lets one thread at a time use it."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro"
    options: dict[str, Any] = {"uri": True, "isolation_level": None, "check_same_thread": False}
    connection = dbapi.connect(uri, timeout=BUSY_TIMEOUT_MS / 1000, **options)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master")
    except ERRORS:
        connection.close()
        # Reading a WAL database needs its -shm file, which cannot be made in a folder without write permission. When
        # there is no log either, nobody has the database open and the file itself is all there is.
        wal = path.with_name(path.name + "-wal")
        if not _true(path.is_file) or (_true(wal.exists) and wal.stat().st_size > 0):
            raise
        connection = dbapi.connect(f"{uri}&immutable=1", **options)
    return connection


def revision(rows: Callable[[str], Sequence[Any]], where: str) -> str | None:
    """The schema's revision, None for a file that holds nothing yet. `rows` runs a query.

    StorageError when the file is somebody else's: it is to be left as it is.
    """
    tables = {name for (name,) in rows("SELECT name FROM sqlite_master")}
    if not tables:
        return None
    ((mark,),) = rows("PRAGMA application_id")
    if mark != APPLICATION_ID or "alembic_version" not in tables:
        raise StorageError(f"{where} is a database of another program: choose another file with --db")
    for (number,) in rows("SELECT version_num FROM alembic_version"):
        return str(number)
    raise DatabaseCorrupt(f"the database {where} has lost its schema revision: restore it from a backup")


def wrap(error: Exception, path: Path) -> StorageError:
    """The error of ours that says what happened and what to do about it."""
    name = str(getattr(error, "sqlite_errorname", None) or "")
    text = str(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseLocked(
            f"the database {path} is in use by another program: close that one, or wait a moment, and try again"
        )
    if _true(path.is_dir):
        return StorageError(f"{path} is a folder: give the name of a file in it with --db")
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and _disk_is_full(path)):
        return DiskFull(
            f"the disk that holds {path} is full: free some space and try again; what was saved before is safe"
        )
    if name.startswith("SQLITE_READONLY"):
        return _read_only(path)
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return _cannot_open(path)
    if name.startswith("SQLITE_NOTADB"):
        return DatabaseCorrupt(
            f"{path} is not a gptoss database, or its beginning is damaged: "
            "choose another with --db, or restore it from a backup"
        )
    if name.startswith("SQLITE_CORRUPT") or isinstance(error, UnicodeDecodeError) or "decode to UTF-8" in text:
        # A disk that does not give a page back looks the same: SQLite takes EIO for a damaged file system.
        return DatabaseCorrupt(
            f"the database {path} is damaged, or its disk is ({text}): check the disk, and restore the file from a "
            "backup if it still cannot be read"
        )
    if name.startswith("SQLITE_IOERR"):
        return StorageError(f"the disk that holds {path} reported an error ({text}): check the disk, then try again")
    return StorageError(f"the database {path} failed ({text}): try again, and report it when that happens again")


def _cannot_open(path: Path) -> StorageError:
    folder = path.absolute().parent
    if not _true(folder.is_dir):
        return StorageError(f"the folder {folder} does not exist: create it, or choose another database with --db")
    if not os.access(folder, os.X_OK) or (_true(path.exists) and not os.access(path, os.R_OK)):
        return StorageError(f"the database {path} may not be read by you: change its permissions, or choose another")
    return _read_only(path)


def _true(question: Callable[[], bool]) -> bool:
    """The answer about a path; False when the system will not tell, as for a name that is too long."""
    try:
        return question()
    except OSError:
        return False


def _read_only(path: Path) -> DatabaseReadOnly:
    return DatabaseReadOnly(
        f"the database {path} cannot be written: make the file and its folder writable, "
        "or choose another database with --db"
    )


def _disk_is_full(path: Path) -> bool:
    try:
        room = os.statvfs(path.absolute().parent)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _SPARE_BYTES
