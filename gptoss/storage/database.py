"""What the log needs of a database, and a SQLite file as one: created or migrated, checked for being ours, in WAL.

The file is opened by its driver alone: SQLAlchemy, which takes a quarter of a second to import, only serves migrations.

Whatever another kind of database does differently belongs into a class like that one: see `gptoss.storage.postgres`.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from gptoss.engine.errors import StorageError
from gptoss.engine.progress import Progress, untold
from gptoss.engine.searching import Query
from gptoss.storage import index
from gptoss.storage.schema import is_current
from gptoss.storage.sqlite import APPLICATION_ID, BUSY_TIMEOUT_MS, ERRORS, connect, dbapi, revision, wrap

Execute = Callable[..., Any]

MIGRATIONS = "gptoss:migrations"


class Index(Protocol):
    """A full-text index: see `gptoss.storage.index` for what each of these does."""

    MATCHES: str

    def is_behind(self, rows: Execute) -> bool: ...
    def catch_up(self, execute: Execute) -> None: ...
    def forget(self, execute: Execute, ranges: Iterable[tuple[int, int]]) -> None: ...
    def merge(self, execute: Execute) -> None: ...
    def rebuild(self, execute: Execute) -> None: ...
    def expression(self, query: Query) -> str | None: ...


class Database(Protocol):
    """`open` gives the cursor that everything runs on; `begin`, COMMIT and ROLLBACK bound transactions by hand.

    `where` is what sentences call the place. `errors` are those of the driver, `conflict` the one of a row that a table
    refuses.
    """

    where: str
    errors: tuple[type[Exception], ...]
    conflict: type[Exception]

    @property
    def index(self) -> Index: ...

    def open(self) -> Any:
        """Connect, and make sure that the schema is the newest and that the database can be written."""
        ...

    def begin(self, *, durable: bool, alone: bool) -> None:
        """Begin a transaction. `alone` keeps all other writers out, or else those of the same branch are enough."""
        ...

    def bound(self, tokens: bytes | None) -> object:
        """What INSERT_EVENT takes for a row's token ids."""
        ...

    def size(self) -> int | None: ...

    def shrink(self, *, thorough: bool) -> bool:
        """Give space back, by writing everything anew if thorough; False when somebody keeps the database busy."""
        ...

    def wrap(self, error: Exception) -> StorageError:
        """The error of ours for one of the driver's."""
        ...

    def close(self) -> None: ...


class SqliteDatabase:
    """A `Database`."""

    errors = ERRORS
    conflict: type[Exception] = dbapi.IntegrityError
    index = index

    def __init__(self, path: Path, migrations: str = MIGRATIONS, progress: Progress = untold) -> None:
        """`progress` is told how much of the backup is written, if the file must be migrated."""
        self.path = path
        self._progress = progress
        self.where = str(path)
        self._migrations = migrations
        self._synchronous = ""
        self._connection: Any = None

    def open(self) -> Any:
        """Connect, and make sure that the schema is the newest and that the file can be written."""
        with suppress(OSError):  # what is wrong with the path, SQLite will say
            # What people say to a model is nobody else's business.
            self.path.touch(mode=0o600, exist_ok=False)
        try:
            self._connection = connect(self.path, check_same_thread=False)
            self._prepare(self._connection)
            cursor = self._connection.cursor()
            cursor.execute("PRAGMA foreign_keys = ON")
            # What is deleted, or moved to another page, leaves nothing behind.
            cursor.execute("PRAGMA secure_delete = ON")
            self._cursor = cursor
            # Nobody should type a message first and learn then that it cannot be kept. BEGIN IMMEDIATE alone does not
            # tell: in a file that is read-only it begins a transaction that only reads.
            self.begin(durable=True, alone=True)
            cursor.execute("DELETE FROM events WHERE false")
            cursor.execute("ROLLBACK")
        except ERRORS as error:
            self.close()
            raise self.wrap(error) from error
        except BaseException:
            self.close()
            raise
        return cursor

    def begin(self, *, durable: bool, alone: bool) -> None:
        """In WAL, FULL syncs each commit, NORMAL only checkpoints. In SQLite every writer is alone."""
        synchronous = "FULL" if durable else "NORMAL"
        if synchronous != self._synchronous:
            self._cursor.execute(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        self._cursor.execute("BEGIN IMMEDIATE")

    def bound(self, tokens: bytes | None) -> bytearray | str:
        # Python's SQLite drivers bind str, int and bytearray at once, but look for an adapter for every other object,
        # bytes and None included, which takes longer than SQLite needs for the row.
        return "" if tokens is None else bytearray(tokens)

    def size(self) -> int:
        """Bytes on the disk, the log of what was written last included."""
        return sum(file.stat().st_size for file in (self.path, Path(f"{self.path}-wal")) if file.exists())

    def shrink(self, *, thorough: bool) -> bool:
        """Cut off free pages, or write everything anew, and empty the WAL; False when a reader keeps the WAL busy."""
        # A script runs to its end; `execute` would stop after the first page that incremental_vacuum gives back.
        self._cursor.executescript("VACUUM" if thorough else "PRAGMA incremental_vacuum")
        ((busy, _, _),) = self._cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return not busy

    def wrap(self, error: Exception) -> StorageError:
        return wrap(error, self.path)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _prepare(self, connection: Any) -> None:
        found = self._revision(connection)
        if found is not None and is_current(found, self.where):
            return
        if found is None:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            self._into_wal(connection)
        from gptoss.storage import migrating  # Alembic takes long to import: nobody should wait for that lock meanwhile

        known_to_alembic = migrating.sqlalchemy_connection(connection)  # it would end a transaction, too
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have done it while this one waited for the lock.
            found = self._revision(connection)
            if found is None or not is_current(found, self.where):
                if found is not None:
                    migrating.back_up(self.path, found, self._progress)
                migrating.upgrade(known_to_alembic, self._migrations)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            # After a full disk, say, SQLite has rolled back already and answers that there is nothing to roll back.
            with suppress(*ERRORS):
                connection.execute("ROLLBACK")
            raise

    def _revision(self, connection: Any) -> str | None:
        return revision(lambda query: connection.execute(query).fetchall(), self.where)

    def _into_wal(self, connection: Any) -> None:
        """Switching needs the file for itself, and SQLite does not always wait for that."""
        deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except ERRORS:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
