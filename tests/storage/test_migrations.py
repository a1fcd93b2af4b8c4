"""The schema: its newest revision, how a database gets there, and what happens when that is interrupted."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import gptoss.migrations
from gptoss.engine.errors import SchemaTooNew, StorageError
from gptoss.storage import migrating, schema
from gptoss.storage.database import SqliteDatabase
from gptoss.storage.opening import open_for_reading
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from gptoss.storage.tables import metadata
from tests.contracts.event_log import SETTINGS, says

NEXT = """
from alembic import op
import sqlalchemy as sa
revision = "0003"
down_revision = "0002"

def upgrade() -> None:
    op.add_column("sessions", sa.Column("colour", sa.Text))
    op.execute("UPDATE sessions SET colour = 'blue'")
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says("hello")])
    return path


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Makes the migrations of a release with one more of them, given as text, and says where they are."""

    def release(migration: str) -> str:
        scripts = tmp_path / "migrations"
        shutil.copytree(Path(gptoss.migrations.__file__).parent, scripts)
        (scripts / "versions" / "r0003_colours.py").write_text(migration)
        monkeypatch.setattr(schema, "REVISION", "0003")
        return str(scripts)

    return release


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(dbapi.connect(str(path))) as connection:
        found: list[tuple[object, ...]] = connection.execute(query).fetchall()
    return found


def test_the_newest_migration_is_the_one_this_release_expects() -> None:
    assert ScriptDirectory.from_config(migrating.config()).get_current_head() == schema.REVISION


def test_the_migrations_add_up_to_the_tables(database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        # SQLAlchemy knows nothing of the full-text index.
        assert [what for what in differences if not str(what[1]).startswith("search")] == []
    engine.dispose()


def test_an_old_database_is_backed_up_and_migrated(database: Path, next_release: Callable[[str], str]) -> None:
    before = rows(database, "SELECT * FROM events")
    with closing(SqliteDatabase(database, next_release(NEXT))) as migrated:
        migrated.open()
    assert rows(database, "SELECT version_num FROM alembic_version") == [("0003",)]
    assert rows(database, "SELECT name, colour FROM sessions") == [("ada", "blue")]
    assert rows(database, "SELECT * FROM events") == before
    backup = database.with_name("log.db.schema-0002.backup")
    assert rows(backup, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert rows(backup, "SELECT * FROM events") == before
    assert sorted(database.parent.glob("log.db.*")) == [backup]


@pytest.mark.parametrize("failure", ["raise RuntimeError('a mistake')", "op.execute('SELECT * FROM nowhere')"])
def test_a_migration_that_fails_changes_nothing(
    database: Path, next_release: Callable[[str], str], failure: str
) -> None:
    before = database.read_bytes()
    scripts = next_release(f"{NEXT}    {failure}\n")
    with pytest.raises((RuntimeError, StorageError)):
        SqliteDatabase(database, scripts).open()
    assert rows(database, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert "colour" not in rows(database, "SELECT sql FROM sqlite_master WHERE name = 'sessions'")[0][0]
    backup = database.with_name("log.db.schema-0002.backup")
    assert rows(backup, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert len(before) == database.stat().st_size


def test_nothing_is_migrated_without_a_backup(database: Path, next_release: Callable[[str], str]) -> None:
    scripts = next_release(NEXT)
    backup = database.with_name("log.db.schema-0002.backup")
    (backup / "in the way").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot be backed up") as caught:
        SqliteDatabase(database, scripts).open()
    assert str(database) in str(caught.value)
    assert rows(database, "SELECT version_num FROM alembic_version") == [("0002",)]
    assert list(database.parent.glob("*.part")) == []


def test_a_migration_that_is_killed_changes_nothing(
    database: Path, next_release: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = next_release(f"{NEXT}    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n")
    program = (
        "import sys; from pathlib import Path; from gptoss.storage import schema; schema.REVISION = '0003'\n"
        "from gptoss.storage.database import SqliteDatabase\n"
        "SqliteDatabase(Path(sys.argv[1]), sys.argv[2]).open()"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(database), scripts], timeout=120)
    assert killed.returncode == -9
    monkeypatch.undo()
    with closing(SqlLog(database)) as log:
        assert log.session("ada").messages == 1
        log.append(log.session("ada").branch, 2, [says("going on")])


def test_only_one_of_two_processes_migrates(database: Path, next_release: Callable[[str], str]) -> None:
    scripts = next_release(NEXT.replace("op.execute(", "import time; time.sleep(0.3); op.execute("))
    # However long the first one takes, on a machine that is busy, the second one is to wait for it.
    program = (
        "import sys; from pathlib import Path; from gptoss.storage import database, schema, sqlite\n"
        "schema.REVISION, database.BUSY_TIMEOUT_MS, sqlite.BUSY_TIMEOUT_MS = '0003', 120_000, 120_000\n"
        "database.SqliteDatabase(Path(sys.argv[1]), sys.argv[2]).open()"
    )
    command = [sys.executable, "-c", program, str(database), scripts]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert rows(database, "SELECT name, colour FROM sessions") == [("ada", "blue")]


def test_threads_make_databases_at_once(tmp_path: Path) -> None:
    def make(number: int) -> int:
        with closing(SqlLog(tmp_path / f"{number}.db")) as log:
            log.start("ada", SETTINGS)
            return len(log.sessions())

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(make, range(12))) == [1] * 12


def test_a_reader_of_the_next_release_leaves_migrating_to_the_log(
    database: Path, next_release: Callable[[str], str]
) -> None:
    next_release(NEXT)
    with closing(SqliteReader(database)) as reader:
        assert not reader.is_current


def test_this_release_refuses_what_the_next_one_has_migrated(
    database: Path, next_release: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(SqliteDatabase(database, next_release(NEXT))) as migrated:
        migrated.open()
    monkeypatch.undo()
    for opener in (SqlLog, open_for_reading):
        with pytest.raises(SchemaTooNew):
            opener(database)


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("from gptoss.storage.opening import open_for_reading as o; o(sys.argv[1]).sessions()", ["sqlalchemy"]),
        ("from gptoss.storage.opening import open_log as o; o(sys.argv[1]).sessions()", ["sqlalchemy"]),
        ("from gptoss.storage.opening import open_log as o; o(':memory:')", ["sqlalchemy"]),
    ],
)
def test_what_a_database_that_is_up_to_date_does_not_import(database: Path, program: str, unwanted: list[str]) -> None:
    check = f"import sys; {program}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", check, str(database)], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "gptoss" in loaded
    assert loaded.isdisjoint({"alembic", *unwanted})
