"""Every single row of every table: altered in any column, dropped or swapped with another, it is found."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from gptoss.engine.errors import DatabaseCorrupt, StorageError
from gptoss.engine.events import Artefact, HeadMoved, SessionRenamed, ToolReturned
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, a_generation, answers, says
from tests.storage.test_integrity import tamper

TABLES = {
    "events": ("key", "kind", "version", "time", "messages", "hash", "payload", "tokens", "redacted"),
    # `indexed` only says how far the full-text index is, which `check` looks at.
    "branches": ("key", "id", "session", "name", "parent", "at_seq", "head", "hash", "preview"),
    "sessions": ("key", "id", "name", "branch", "created"),
    "blobs": ("digest", "data"),
    "blob_uses": ("session", "digest"),
}


def problems(path: Path) -> list[str]:
    """What `gptoss verify` and `gptoss doctor` would find."""
    found: list[str] = []
    try:
        with closing(SqliteReader(path)) as reader:
            for session in reader.sessions():
                for branch in reader.branches(session.id):
                    try:
                        list(reader.read(branch.id, thorough=True))
                    except StorageError as error:
                        found.append(str(error))
            found += [fault.problem for fault in reader.faults()]
    except StorageError as error:
        found.append(str(error))
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sessions; one has forks of forks, a redacted event, files."""
    path = tmp_path_factory.mktemp("fuzz") / "log.db"
    with closing(SqlLog(path)) as log:
        ada, bob = log.start("ada", SETTINGS), log.start("bob", SETTINGS)
        digests = [log.put_blob(data) for data in (b"one", b"two")]
        artefacts = tuple(Artefact(digest=digest, name="a", media_type="b", size=3) for digest in digests)
        returned = ToolReturned(call=1, outcome="ok", artefacts=artefacts)
        log.append(ada.branch, 1, [says("one"), *a_generation(), answers("two"), returned])
        log.append(bob.branch, 1, [says("three"), *a_generation(), answers("four"), returned])
        fork = log.fork(ada.branch, 4)
        log.append(fork.id, 5, [says("five"), HeadMoved(came_from=ada.branch), SessionRenamed(name="countess")])
        log.fork(fork.id, 6, "empty")
        log.redact(ada.branch, 2)
    assert problems(path) == []
    return path


@pytest.fixture
def damage(made: Path) -> Iterator[Callable[..., list[str]]]:
    """Run a statement on a copy of the whole database, and say what is found."""
    original = made.read_bytes()

    def run(statement: str, *parameters: object) -> list[str]:
        made.write_bytes(original)
        for leftover in made.parent.glob(f"{made.name}-*"):
            leftover.unlink()
        try:
            assert tamper(made, statement, *parameters) > 0
        except dbapi.IntegrityError:
            return ["the table refuses it"]
        return problems(made)

    yield run
    made.write_bytes(original)


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(dbapi.connect(str(path))) as connection:
        found: list[tuple[object, ...]] = connection.execute(f"SELECT rowid, * FROM {table}").fetchall()
    return found


def other(value: object) -> object:
    """A value that differs in its smallest part."""
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    if isinstance(value, bytes):
        return value[:-1] + bytes([value[-1] ^ 1]) if value else b"x"
    return 1


@pytest.mark.parametrize("table", TABLES)
def test_every_altered_value_is_found(made: Path, damage: Callable[..., list[str]], table: str) -> None:
    missed = []
    for column in TABLES[table]:
        with closing(dbapi.connect(str(made))) as connection:
            values = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        for rowid, value in values:
            for new in (other(value), None if value is not None else b"\x00" * 16):
                if not damage(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", new, rowid):
                    missed.append((rowid, column, value, new))
    assert missed == []


@pytest.mark.parametrize("table", TABLES)
def test_every_dropped_row_is_found(made: Path, damage: Callable[..., list[str]], table: str) -> None:
    # A blob that nobody refers to is garbage, not damage; here all are referred to.
    missed = [row for row in rows(made, table) if not damage(f"DELETE FROM {table} WHERE rowid = ?", row[0])]
    assert missed == []


@pytest.mark.parametrize("table", ["events", "branches", "sessions", "blobs"])
def test_every_two_swapped_rows_are_found(made: Path, damage: Callable[..., list[str]], table: str) -> None:
    """All but the key changes places."""
    columns = ", ".join(TABLES[table][1:])
    missed = []
    for first, second in pairwise(row[0] for row in rows(made, table)):
        swap = f"""
            UPDATE {table} SET ({columns}) = (SELECT {columns} FROM {table} t WHERE t.rowid = ? + ? - {table}.rowid)
            WHERE rowid IN (?, ?)
        """
        if not damage(swap, first, second, first, second):
            missed.append((first, second))
    assert missed == []


def test_the_first_bad_event_and_what_can_be_read_are_named(made: Path, damage: Callable[..., list[str]]) -> None:
    with closing(SqliteReader(made)) as reader:
        branch = reader.session("countess").branch
        path = list(reader.read(branch))
    damage("UPDATE events SET time = time + 1 WHERE key = ?", path[3].position)
    with closing(SqliteReader(made)) as reader:
        with pytest.raises(DatabaseCorrupt, match=r"event 4 of session 'countess'.*fork the session at 3"):
            list(reader.read(branch))
        assert list(reader.read(branch, until=3)) == path[:3]


def test_what_can_be_computed_again_is_repaired(made: Path, damage: Callable[..., list[str]]) -> None:
    for statement in (
        "UPDATE sessions SET name = 'eve' WHERE rowid = 1",
        "UPDATE sessions SET branch = 2",
        "UPDATE sessions SET created = 0",
        "UPDATE branches SET name = 'eve' WHERE parent IS NOT NULL AND preview = ''",
        "UPDATE branches SET preview = 'eve'",
        "DELETE FROM blob_uses",
    ):
        assert damage(statement)
        with closing(SqlLog(made)) as log:
            assert all(fault.repairable for fault in log.faults())
            log.repair()
            assert log.faults() == []
        assert problems(made) == []
