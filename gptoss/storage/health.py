"""What a doctor asks about a database file. Nothing is changed but the full-text index, which is brought up to date."""

from contextlib import closing
from pathlib import Path

from msgspec import Struct

from gptoss.engine.errors import SchemaTooNew, StorageError
from gptoss.engine.ports import Fault
from gptoss.storage import index
from gptoss.storage.reading import SqliteReader
from gptoss.storage.schema import REVISION
from gptoss.storage.sqlite import ERRORS, connect, dbapi, revision, wrap

_FIRST_BAD, _LAST_BAD = (3, 7, 0), (3, 51, 2)


class SqliteLibrary(Struct, frozen=True, kw_only=True):
    """`driver` is the module that brings it. `resets_wal_badly`: https://sqlite.org/wal.html#walresetbug."""

    version: str
    driver: str
    resets_wal_badly: bool


class Examination(Struct, frozen=True, kw_only=True):
    """`schema` is None for an empty file. `damage` is what SQLite finds wrong with its file, as sentences."""

    schema: str | None
    journal_mode: str
    size: int
    sessions: int
    damage: tuple[str, ...]
    faults: tuple[Fault, ...]


def library() -> SqliteLibrary:
    numbers = tuple(map(int, dbapi.sqlite_version.split(".")))
    return SqliteLibrary(
        version=dbapi.sqlite_version,
        driver=dbapi.__name__.partition(".")[0],
        resets_wal_badly=_FIRST_BAD <= numbers <= _LAST_BAD,
    )


def examine(path: Path) -> Examination:
    """Look at a database that exists. StorageError when it cannot even be opened, SchemaTooNew for a newer one's."""
    with closing(SqliteReader(path)) as reader:
        ask = reader._rows
        schema = revision(ask, str(path))
        if schema is not None and schema > REVISION:
            raise SchemaTooNew(f"{path} was written by a newer gptoss (schema {schema}): upgrade gptoss")
        ((journal_mode,),) = ask("PRAGMA journal_mode")
        damage = tuple(text for (text,) in ask("PRAGMA quick_check(20)") if text != "ok")
        faults: list[Fault] = []
        sessions = 0
        if schema == REVISION and not damage:
            sessions = len(reader.sessions())
            faults = [*reader.faults(), *_index_faults(path)]
    return Examination(
        schema=schema,
        journal_mode=journal_mode,
        size=path.stat().st_size,
        sessions=sessions,
        damage=damage,
        faults=tuple(faults),
    )


def _index_faults(path: Path) -> list[Fault]:
    """Whether the full-text index holds what was said. Nothing where it may not be looked at."""
    try:
        with closing(connect(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                index.catch_up(connection.execute)
                index.check(connection.execute)
            except ERRORS as error:
                if not str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_CORRUPT"):
                    raise
                connection.execute("ROLLBACK")
                return [Fault(session=None, problem="the full-text index is not what was said", repairable=True)]
            connection.execute("COMMIT")
    except ERRORS as error:
        wrapped: StorageError = wrap(error, path)
        return [Fault(session=None, problem=f"the full-text index could not be checked: {wrapped}")]
    return []
