"""Brings a database to the newest schema. Imported only when one is not there yet: Alembic takes long to import."""

import os
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gptoss.storage.sqlite import connect_read_only, dbapi


def config(connection: Connection | None = None, scripts: str = "gptoss:migrations") -> Config:
    """Alembic's configuration, without the ini file that it would look for."""
    made = Config()
    made.set_main_option("script_location", scripts)
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


def newest_revision(scripts: str = "gptoss:migrations") -> str | None:
    return ScriptDirectory.from_config(config(scripts=scripts)).get_current_head()


def upgrade(connection: Connection, scripts: str = "gptoss:migrations") -> None:
    """Apply what is missing, inside the transaction that the caller has begun."""
    alembic.command.upgrade(config(connection, scripts), "head")


def back_up(path: Path, revision: str) -> Path:
    """Copy a SQLite database beside itself, named after its schema, and return the copy's path.

    The copy appears under its name only when it is complete and on the disk.
    """
    copy = path.with_name(f"{path.name}.schema-{revision}.backup")
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    unfinished.unlink(missing_ok=True)
    source: Any = connect_read_only(path)
    try:
        target = dbapi.connect(str(unfinished))
        try:
            source.backup(target)
        finally:
            target.close()
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(copy)
    finally:
        source.close()
        unfinished.unlink(missing_ok=True)
    return copy
