"""Brings a database to the newest schema. Imported only when one is not there yet: Alembic takes long to import."""

import os
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from sqlalchemy import Connection, StaticPool, create_engine
from sqlalchemy.exc import DBAPIError

from gptoss.engine.errors import StorageError
from gptoss.engine.progress import Progress, untold
from gptoss.storage.sqlite import connect_read_only, dbapi

_PAGES = 1024
"""How many pages of a database are copied between two reports."""

_ALONE = threading.Lock()
"""What a migration works on, Alembic keeps in the globals of a module, for all threads."""


def config(connection: Connection | None = None, scripts: str = "gptoss:migrations") -> Config:
    """Alembic's configuration, without the ini file that it would look for."""
    made = Config()
    made.set_main_option("script_location", scripts)
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def sqlalchemy_connection(connection: Any) -> Connection:
    """The one that Alembic works with, over the driver's own connection to SQLite, which stays open."""
    engine = create_engine(
        "sqlite://",
        module=dbapi,
        creator=lambda: connection,
        poolclass=StaticPool,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",  # or else SQLAlchemy begins transactions of its own
    )
    made = engine.connect()
    made.begin()  # to Alembic a transaction has begun, which is the caller's to end
    return made


def upgrade(connection: Connection, scripts: str = "gptoss:migrations") -> None:
    """Apply what is missing, inside the transaction that the caller has begun. Errors are those of the driver."""
    try:
        with _ALONE:
            alembic.command.upgrade(config(connection, scripts), "head")
    except DBAPIError as error:
        raise (error.orig or error) from error


def back_up(path: Path, revision: str, progress: Progress = untold) -> Path:
    """Copy a SQLite database beside itself, named after its schema, and return the copy's path.

    The copy appears under its name only when it is complete and on the disk. StorageError when there is no room for it.
    """
    copy = path.with_name(f"{path.name}.schema-{revision}.backup")
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    try:
        _copy(path, unfinished, progress)
        unfinished.replace(copy)
    except OSError as error:
        raise StorageError(
            f"{path} must be migrated, and cannot be backed up before ({error.strerror}): "
            "make room beside it and its folder writable, then try again"
        ) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return copy


def _copy(path: Path, target: Path, progress: Progress) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with closing(connect_read_only(path)) as source, closing(dbapi.connect(str(target))) as copied:
        ((page,),) = source.execute("PRAGMA page_size").fetchall()
        source.backup(
            copied, pages=_PAGES, progress=lambda _, left, whole: progress((whole - left) * page, whole * page)
        )
    with target.open("rb+") as file:
        os.fsync(file.fileno())
