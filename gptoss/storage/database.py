"""A SQLite file as the log needs it: created or migrated, checked for being ours, in WAL.

Whatever another kind of database (PostgreSQL) does differently belongs into a class like this one.
"""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError

from gptoss.engine.errors import DatabaseCorrupt, StorageError
from gptoss.storage import statements as sql
from gptoss.storage.schema import is_current
from gptoss.storage.sqlite import APPLICATION_ID, BUSY_TIMEOUT_MS, ERRORS, dbapi, wrap

CHECKPOINT_PAGES = 4000
"""16 MB. A checkpoint writes each changed page once, however often it was changed: SQLite's default of 1000 makes short
appends pay for many more of them."""

MIGRATIONS = "gptoss:migrations"


class SqliteDatabase:
    """`open` gives the cursor that everything runs on; `begin`, COMMIT and ROLLBACK bound transactions by hand."""

    errors = ERRORS
    conflict: type[Exception] = dbapi.IntegrityError

    def __init__(self, path: Path, migrations: str = MIGRATIONS) -> None:
        self.path = path
        self.where = str(path)
        self._migrations = migrations
        self._synchronous = ""
        # AUTOCOMMIT keeps SQLAlchemy and the driver from beginning transactions of their own.
        self._engine = create_engine(
            URL.create("sqlite", database=self.where),
            module=dbapi,
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False},
        )
        self._connection: Connection | None = None

    def open(self) -> Any:
        """Connect, and make sure that the schema is the newest and that the file can be written."""
        try:
            self._connection = self._engine.connect()
            self._prepare(self._connection)
            cursor = self._connection.connection.cursor()
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            self._cursor = cursor
            # Nobody should type a message first and learn then that it cannot be kept.
            self.begin(durable=True)
            cursor.execute("ROLLBACK")
        except (DBAPIError, dbapi.Error, UnicodeDecodeError) as error:
            self.close()
            raise self.wrap(error) from error
        except BaseException:
            self.close()
            raise
        return cursor

    def begin(self, durable: bool) -> None:
        """Begin a transaction that keeps other writers out. In WAL, FULL syncs each commit, NORMAL only checkpoints."""
        synchronous = "FULL" if durable else "NORMAL"
        if synchronous != self._synchronous:
            self._cursor.execute(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        self._cursor.execute("BEGIN IMMEDIATE")

    def wrap(self, error: Exception) -> StorageError:
        """The error of ours for one of the driver's, which SQLAlchemy may have wrapped."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        return wrap(cause if isinstance(cause, Exception) else error, self.path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _prepare(self, connection: Connection) -> None:
        revision = self._revision(connection)
        if revision is not None and is_current(revision, self.where):
            return
        if revision is None:
            connection.exec_driver_sql("PRAGMA auto_vacuum = INCREMENTAL")
            self._into_wal(connection)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            # Another process may have done it while this one waited for the lock.
            revision = self._revision(connection)
            if revision is None or not is_current(revision, self.where):
                self._migrate(connection, revision)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise

    def _migrate(self, connection: Connection, revision: str | None) -> None:
        from gptoss.storage import migrating

        if revision is not None:
            migrating.back_up(self.path, revision)
        migrating.upgrade(connection, self._migrations)
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")

    def _revision(self, connection: Connection) -> str | None:
        """The schema's revision, None for a new file. StorageError when the file is somebody else's."""
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
        if not tables:
            return None
        marked = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        if marked != APPLICATION_ID or "alembic_version" not in tables:
            raise StorageError(
                f"{self.where} is a database of another program: choose another file with --db to leave it as it is"
            )
        revision = connection.exec_driver_sql(sql.REVISION).scalar_one_or_none()
        if revision is None:
            raise DatabaseCorrupt(f"the database {self.where} has lost its schema revision: restore it from a backup")
        return str(revision)

    def _into_wal(self, connection: Connection) -> None:
        """Switching needs the file for itself, and SQLite does not always wait for that."""
        deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            except DBAPIError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
