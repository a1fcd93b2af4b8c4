"""The log on PostgreSQL: for several people, or several machines.

It keeps the same tables and runs the same statements, spelled its way. What SQLite has one lock for, two modes of an
advisory lock do here: appends share it, so that different branches do not wait for each other, and whatever changes the
list of sessions has it alone. What guards a branch is the key of its next event, as ever.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import DBAPIError

from gptoss.engine.errors import (
    DatabaseCorrupt,
    DatabaseLocked,
    DatabaseReadOnly,
    DiskFull,
    StorageError,
)
from gptoss.storage import words
from gptoss.storage.database import MIGRATIONS
from gptoss.storage.schema import is_current

_LOCK = 0x67707473
"""The advisory lock, "gpts"."""

_LOCK_TIMEOUT = "10s"
_SIZE = """
    SELECT CAST(sum(pg_total_relation_size(name::regclass)) AS BIGINT)
    FROM unnest(ARRAY['sessions', 'branches', 'events', 'blobs', 'blob_uses', 'search']) tables (name)
"""


class PostgresDatabase:
    """A `Database` (see `gptoss.storage.database`)."""

    index = words

    def __init__(self, url: URL, migrations: str = MIGRATIONS) -> None:
        """StorageError when the driver is missing."""
        self.where = url.render_as_string(hide_password=True)
        self._migrations = migrations
        try:
            import psycopg
        except ImportError as error:
            raise StorageError(
                f"PostgreSQL takes the driver psycopg, which is not here ({error}): "
                "install it with `pip install 'gptoss[postgres]'`"
            ) from error
        # SQLAlchemy wraps what fails while it connects, also when that is done again in the middle of work.
        self.errors: tuple[type[Exception], ...] = (DBAPIError, psycopg.Error)
        self.conflict: type[Exception] = psycopg.errors.IntegrityError
        self._engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            pool_reset_on_return=None,  # it is closed then, and a lost connection would be complained about at length
            connect_args={"connect_timeout": 10, "options": f"-c lock_timeout={_LOCK_TIMEOUT}"},
        )
        self._connection: Connection | None = None
        self._cursor: Any = None
        self._in_transaction = False

    def revision(self) -> str | None:
        """The schema's revision, None where there is none of our tables. StorageError when they are somebody else's."""
        try:
            return self._revision(self._connected())
        except self.errors as error:
            self.close()
            raise self.wrap(error) from error

    def open(self) -> Any:
        """Connect, and make sure that the schema is the newest."""
        try:
            self._prepare(self._connected())
        except self.errors as error:
            self.close()
            raise self.wrap(error) from error
        except BaseException:
            self.close()
            raise
        return self

    # What the log takes for a cursor

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> Any:
        """Run a statement as `gptoss.storage.statements` spells it."""
        if statement in ("COMMIT", "ROLLBACK"):
            # On a new connection either would succeed and mean nothing.
            self._in_transaction = False
        elif not self._in_transaction and self._cursor.connection.closed:
            self.close()
            self._connected()
        return self._cursor.execute(_spelled(statement), parameters or None)

    def executemany(self, statement: str, parameters: Iterable[Sequence[object]]) -> None:
        self._cursor.executemany(_spelled(statement), parameters)

    def begin(self, *, durable: bool, alone: bool) -> None:
        lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        begin = f"BEGIN; SET LOCAL synchronous_commit = {'on' if durable else 'off'}; SELECT {lock}({_LOCK})"
        try:
            self.execute(begin)
        except BaseException:
            # The lock may not have come in time: what has begun would refuse every statement from now on.
            with suppress(*self.errors):
                self.execute("ROLLBACK")
            raise
        self._in_transaction = True

    def bound(self, tokens: bytes | None) -> object:
        return tokens

    def size(self) -> int | None:
        ((size,),) = self.execute(_SIZE)
        return int(size)

    def shrink(self, *, thorough: bool) -> bool:
        """Let the server use the space of what is gone again, or give it back to the disk."""
        self.execute("VACUUM (FULL) events, blobs, search" if thorough else "VACUUM events, blobs, search")
        return True

    def wrap(self, error: Exception) -> StorageError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = str(getattr(cause, "sqlstate", None) or "")
        text = " ".join(str(cause).split())
        if state.startswith(("40", "55P03", "57014")):
            return DatabaseLocked(f"{self.where} is held by another program: wait a moment, and try again")
        if state.startswith(("25006", "42501")):
            return DatabaseReadOnly(f"{self.where} cannot be written ({text}): ask for the rights, or use another user")
        if state == "53100":
            return DiskFull(f"the disk of {self.where} is full: free some space and try again; what was saved is safe")
        if state.startswith("XX00"):
            return DatabaseCorrupt(f"the database {self.where} is damaged ({text}): restore it from a backup")
        if not state or state.startswith(("08", "28", "3D", "53", "57P")):
            return self._unreachable(text)
        return StorageError(
            f"the database {self.where} failed ({text}): try again, and report it when it happens again"
        )

    def close(self) -> None:
        if self._connection is not None:
            with suppress(*self.errors):
                self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _unreachable(self, text: str) -> StorageError:
        """The driver has no code for why it could not connect, only the server's words."""
        if "authentication failed" in text or "no password supplied" in text or "no pg_hba.conf entry" in text:
            return StorageError(
                f"{self.where} does not let you in ({text}): check the user and the password in the URL"
            )
        if re.search(r'database ".*" does not exist', text):
            return StorageError(f"{self.where} names a database that is not there: create it with `createdb`")
        if "NUL" in text:
            return StorageError(f"PostgreSQL cannot store this text ({text}): leave the character out")
        return StorageError(
            f"the server of {self.where} cannot be reached ({text}): see that it runs and that the URL is right"
        )

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._cursor = self._connection.connection.cursor()
            self._in_transaction = False
        return self._connection

    def _prepare(self, connection: Connection) -> None:
        found = self._revision(connection)
        if found is not None and is_current(found, self.where):
            return
        connection.exec_driver_sql("BEGIN")
        try:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            # Another process may have done it while this one waited for the lock.
            found = self._revision(connection)
            if found is None or not is_current(found, self.where):
                from gptoss.storage import migrating

                # All or nothing: the server rolls back what does not reach the end, so there is no backup to make.
                migrating.upgrade(connection, self._migrations)
            connection.exec_driver_sql("COMMIT")
        except BaseException:
            with suppress(DBAPIError):
                connection.exec_driver_sql("ROLLBACK")
            raise

    def _revision(self, connection: Connection) -> str | None:
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        tables = {name for (name,) in connection.exec_driver_sql(query)}
        ours = {"sessions", "branches", "events", "blobs"} & tables
        if "alembic_version" not in tables and not ours:
            return None
        if "alembic_version" not in tables or len(ours) < 4:
            raise StorageError(
                f"{self.where} holds tables of another program: give gptoss a database or a schema of its own"
            )
        for (number,) in connection.exec_driver_sql("SELECT version_num FROM alembic_version"):
            return str(number)
        raise DatabaseCorrupt(f"the database {self.where} has lost its schema revision: restore it from a backup")


@cache
def _spelled(statement: str) -> str:
    """A statement of `gptoss.storage.statements` in the words of PostgreSQL and its driver."""
    statement = re.sub(r"CAST\(([\w.]+) AS BLOB\)", r"convert_to(\1, 'UTF8')", statement)
    statement = statement.replace("x'00'", r"'\x00'::bytea").replace("AS BLOB", "AS bytea")
    return statement.replace("nullif(?, '')", "?").replace("%", "%%").replace("?", "%s")
