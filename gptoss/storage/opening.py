"""Opens the log that a path or URL names."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from gptoss.engine.errors import StorageError, UsageError
from gptoss.engine.ports import EventLog, EventReader
from gptoss.engine.progress import Progress, untold
from gptoss.storage.reading import SqliteReader

if TYPE_CHECKING:
    from gptoss.storage.health import Examination
    from gptoss.storage.postgres import PostgresDatabase

POSTGRES = ("postgresql", "postgresql+psycopg", "postgres")
IN_MEMORY = ("", ":memory:")


def open_log(where: str | Path, progress: Progress = untold) -> EventLog:
    """The event log in a SQLite file (a path, or an SQLAlchemy URL such as "sqlite:///chat.db") or in ":memory:".

    A file that does not exist is created; its folder must exist. An older schema is migrated after a backup. A URL such
    as "postgresql+psycopg://user@host/name" names a database on a server, which must exist. `progress` is told how much
    of the backup is written, if one must be made. Errors are StorageErrors; a
    URL of another kind of database is a UsageError.
    """
    if _is_postgres(where):
        from gptoss.storage.sql import SqlLog

        return SqlLog(_postgres(where))
    path = _path(where)
    if path is None:
        return _in_memory()
    from gptoss.storage.database import SqliteDatabase
    from gptoss.storage.sql import SqlLog

    return SqlLog(SqliteDatabase(path, progress=progress))


def open_for_reading(where: str | Path, progress: Progress = untold) -> EventReader:
    """The same log, only for reading, in a fraction of the time.

    It creates nothing: a file that does not exist reads as a log without sessions. Only a file that must be migrated
    first is opened by `open_log`.
    """
    if _is_postgres(where):
        database = _postgres(where)
        exists = database.revision() is not None
        database.close()
        return open_log(where) if exists else _in_memory()
    path = _path(where)
    if path is None or not _exists(path):
        return _in_memory()
    reader = SqliteReader(path)
    try:
        if reader.is_current:
            return reader
    except StorageError:
        reader.close()
        raise
    reader.close()
    return open_log(where, progress)


def examined(where: str | Path) -> tuple[str, Examination | None]:
    """Where a database is, and how it is; None where there is none yet. Raises what opening it would."""
    if _is_postgres(where):
        database = _postgres(where)
        revision = database.revision()
        database.close()
        return f"{database.where}, schema {revision}" if revision else f"{database.where} (no tables yet)", None
    from gptoss.storage.health import examine

    path = _path(where)
    if path is None:
        return "memory", None
    return (str(path), examine(path)) if _exists(path) else (f"{path} (not there yet)", None)


def backups(where: str | Path) -> list[Path]:
    """The copies that migrations of this database have left behind."""
    path = None if _is_postgres(where) else _path(where)
    return [] if path is None else sorted(path.parent.glob(f"{glob.escape(path.name)}.schema-*.backup"))


def _in_memory() -> EventLog:
    from gptoss.storage.memory import MemoryLog  # nobody who reads a file should wait for it

    return MemoryLog()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise StorageError(
            f"the database {path} cannot be opened ({error.strerror}): choose another with --db"
        ) from error


def _is_postgres(where: str | Path) -> bool:
    return isinstance(where, str) and where.partition("://")[0] in POSTGRES


def _postgres(where: str | Path) -> PostgresDatabase:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from gptoss.storage.postgres import PostgresDatabase

    try:
        url = make_url(str(where).replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "this is no URL of a database: write it like postgresql+psycopg://user:password@host:5432/name"
        ) from error
    return PostgresDatabase(url)


def _path(where: str | Path) -> Path | None:
    """The file, None for a log in memory."""
    if isinstance(where, str) and "://" in where:
        scheme, _, rest = where.partition("://")
        if scheme.partition("+")[0] != "sqlite":
            raise UsageError(
                f"gptoss cannot keep sessions in {scheme}: name a file, or a URL like sqlite:///chat.db "
                "or postgresql+psycopg://user@host/name"
            )
        where = rest.partition("?")[0].removeprefix("/")
    return None if str(where) in IN_MEMORY else Path(where)
