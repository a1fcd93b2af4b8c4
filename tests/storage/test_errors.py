"""Whatever is wrong with the file, its folder or the disk: one sentence that says what to do, and nothing is lost."""

import os
import random
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from gptoss.engine.errors import (
    DatabaseCorrupt,
    DatabaseReadOnly,
    DiskFull,
    SchemaTooNew,
    StorageError,
    UsageError,
)
from gptoss.engine.ports import EventReader
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.storage import migrating
from gptoss.storage.memory import MemoryLog
from gptoss.storage.opening import open_for_reading, open_log
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, says

OPENERS: list[Callable[[Path], EventReader]] = [open_log, open_for_reading]
both = pytest.mark.parametrize("opener", OPENERS, ids=["open_log", "open_for_reading"])


def a_database(path: Path, messages: int = 3) -> str:
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says(f"message {n}") for n in range(messages)])
    return branch


def is_one_sentence(error: StorageError, path: Path) -> bool:
    text = str(error)
    return str(path) in text and "\n" not in text and ": " in text and not text.endswith(".")


@both
def test_a_name_that_is_too_long(tmp_path: Path, opener: Callable[[Path], EventReader]) -> None:
    path = tmp_path / ("x" * 300)
    with pytest.raises(StorageError) as caught:
        opener(path)
    assert is_one_sentence(caught.value, path)


def test_a_missing_folder(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "log.db"
    with pytest.raises(StorageError, match="does not exist: create it") as caught:
        open_log(path)
    assert is_one_sentence(caught.value, path.parent)
    assert open_for_reading(path).sessions() == []
    assert not path.parent.exists()


@both
def test_a_folder_instead_of_a_file(tmp_path: Path, opener: Callable[[Path], EventReader]) -> None:
    with pytest.raises(StorageError, match="is a folder") as caught:
        opener(tmp_path)
    assert is_one_sentence(caught.value, tmp_path)


@both
@pytest.mark.parametrize("content", [b"hello", b"# notes\n" * 1000, bytes(range(256)) * 64])
def test_a_file_that_is_no_database(tmp_path: Path, opener: Callable[[Path], EventReader], content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(DatabaseCorrupt, match="is not a gptoss database") as caught:
        opener(path)
    assert is_one_sentence(caught.value, path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


@both
def test_a_database_of_another_program(tmp_path: Path, opener: Callable[[Path], EventReader]) -> None:
    path = tmp_path / "other.db"
    with closing(dbapi.connect(str(path))) as other:
        other.execute("CREATE TABLE events (a)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="another program") as caught:
        opener(path)
    assert is_one_sentence(caught.value, path)
    assert path.read_bytes() == before


@both
def test_a_database_of_another_program_that_uses_alembic(tmp_path: Path, opener: Callable[[Path], EventReader]) -> None:
    path = tmp_path / "other.db"
    with closing(dbapi.connect(str(path))) as other:
        other.execute("CREATE TABLE alembic_version (version_num)")
        other.execute("INSERT INTO alembic_version VALUES ('0001')")
        other.commit()
    with pytest.raises(StorageError, match="another program"):
        opener(path)


@both
def test_a_newer_schema(tmp_path: Path, opener: Callable[[Path], EventReader]) -> None:
    path = tmp_path / "log.db"
    a_database(path)
    with closing(dbapi.connect(str(path))) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '0999'")
        newer.commit()
    with pytest.raises(SchemaTooNew, match="newer gptoss") as caught:
        opener(path)
    assert is_one_sentence(caught.value, path)
    assert list(tmp_path.glob("*.backup*")) == []


@both
def test_an_empty_file_is_a_new_database(tmp_path: Path, opener: Callable[[Path], EventReader]) -> None:
    path = tmp_path / "log.db"
    path.touch()
    with closing(opener(path)) as log:
        assert log.sessions() == []


@pytest.mark.parametrize("kept", [0.3, 0.5, 0.8, 0.99])
def test_a_truncated_file(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "log.db"
    branch = a_database(path, messages=400)
    os.truncate(path, int(path.stat().st_size * kept))
    for opener in OPENERS:
        with pytest.raises(DatabaseCorrupt) as caught, closing(opener(path)) as log:
            list(log.read(branch))
        assert is_one_sentence(caught.value, path)


def test_a_file_with_flipped_pages(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    branch = a_database(path, messages=400)
    whole = path.read_bytes()
    choose = random.Random(1)
    problems = 0
    for _ in range(30):
        damaged = bytearray(whole)
        page = choose.randrange(len(whole) // 4096) * 4096
        damaged[page : page + 4096] = choose.randbytes(4096)
        path.write_bytes(damaged)
        for opener in OPENERS:
            # A page may hold nothing that reading this branch needs.
            found = problem(opener, path, branch)
            assert found is None or is_one_sentence(found, path)
            problems += found is not None
        for leftover in tmp_path.glob("log.db-*"):
            leftover.unlink()
    assert problems >= 30


def problem(opener: Callable[[Path], EventReader], path: Path, branch: str) -> StorageError | None:
    """What is wrong with a branch of 401 events; when nothing is, it must be whole."""
    try:
        with closing(opener(path)) as log:
            events = list(log.read(branch))
    except StorageError as error:
        return error
    assert len(events) == 401
    return None


# Permissions, which root ignores: these run as another user when the tests run as root.

NOBODY = 65534


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user without privileges, as whom the test runs."""
    ScriptDirectory.from_config(
        migrating.config()
    ).get_current_head()  # imports what such a user may not be allowed to read
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        root = os.geteuid() == 0
        if root:
            os.chown(path, NOBODY, -1)
            os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield path
        finally:
            if root:
                os.setresuid(0, 0, 0)
            path.chmod(0o777)


def test_a_read_only_file(unprivileged: Path) -> None:
    path = unprivileged / "log.db"
    branch = a_database(path)
    path.chmod(0o444)
    with pytest.raises(DatabaseReadOnly, match="cannot be written") as caught:
        open_log(path)
    assert is_one_sentence(caught.value, path)
    with closing(open_for_reading(path)) as reader:
        assert len(list(reader.read(branch))) == 4


def test_a_read_only_folder(unprivileged: Path) -> None:
    path = unprivileged / "log.db"
    branch = a_database(path)
    unprivileged.chmod(0o555)
    with pytest.raises(DatabaseReadOnly) as caught:
        open_log(path)
    assert is_one_sentence(caught.value, path)
    with closing(open_for_reading(path)) as reader:
        assert len(list(reader.read(branch))) == 4
        # What is not indexed yet, and cannot be, is looked through.
        assert len(reader.search(SearchRequest(query=parse_query("message 1")))) == 1
    with pytest.raises(DatabaseReadOnly):
        open_log(unprivileged / "new.db")


def test_a_file_that_may_not_be_read(unprivileged: Path) -> None:
    path = unprivileged / "log.db"
    a_database(path)
    path.chmod(0)
    for opener in OPENERS:
        with pytest.raises(StorageError, match="may not be read") as caught:
            opener(path)
        assert is_one_sentence(caught.value, path)


@both
def test_a_folder_that_may_not_be_entered(unprivileged: Path, opener: Callable[[Path], EventReader]) -> None:
    folder = unprivileged / "closed"
    folder.mkdir(mode=0)
    with pytest.raises(StorageError) as caught:
        opener(folder / "log.db")
    assert is_one_sentence(caught.value, folder / "log.db")


def test_a_reader_that_may_not_write_sees_what_a_writer_has_not_checkpointed(unprivileged: Path) -> None:
    path = unprivileged / "log.db"
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says("in the WAL")])
        unprivileged.chmod(0o555)
        with closing(SqliteReader(path)) as reader:
            assert len(list(reader.read(branch))) == 2
        unprivileged.chmod(0o777)


# A full disk


def fill(log: SqlLog, branch: str, expected: int) -> int:
    """Append until the disk is full; gives the last acknowledged seq."""
    seq = expected
    with pytest.raises(DiskFull) as caught:  # noqa: PT012
        while True:
            seq = log.append(branch, seq, [says("x" * 10_000)])[-1].seq
    assert "free some space" in str(caught.value)
    return seq


def test_a_database_that_may_not_grow(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqlLog(path)
    branch = log.start("ada", SETTINGS).branch
    log._rows("PRAGMA max_page_count = 60")
    seq = fill(log, branch, 1)
    with pytest.raises(DiskFull):
        log.append(branch, seq, [says("x" * 10_000)])
    assert [event.seq for event in log.read(branch)] == list(range(1, seq + 1))
    log._rows("PRAGMA max_page_count = 100000")
    log.append(branch, seq, [says("there is room again")])
    log.close()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A real file system of 1 MB."""
    with tempfile.TemporaryDirectory() as folder:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
        if mounted.returncode != 0:
            pytest.skip("mounting a small disk needs privileges")
        yield Path(folder)
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    path = small_disk / "log.db"
    log = SqlLog(path)
    branch = log.start("ada", SETTINGS).branch
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(200_000))
    seq = fill(log, branch, 1)
    # What was acknowledged is there, for this process and for the next one.
    assert [event.seq for event in log.read(branch)] == list(range(1, seq + 1))
    ballast.unlink()
    log.append(branch, seq, [says("there is room again")])
    log.close()
    with closing(open_for_reading(path)) as reader:
        assert [event.seq for event in reader.read(branch)] == list(range(1, seq + 2))


def test_a_file_that_the_system_refuses_to_let_grow(tmp_path: Path) -> None:
    """An I/O error in the middle of a write: EFBIG, which SQLite takes for a fault of the disk."""
    path = tmp_path / "log.db"
    log = SqlLog(path)
    branch = log.start("ada", SETTINGS).branch
    seq, hard = 1, resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    wal = path.with_name("log.db-wal")
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size + 50_000, hard))
    try:
        with pytest.raises(StorageError) as caught:  # noqa: PT012
            while True:
                seq = log.append(branch, seq, [says("x" * 10_000)])[-1].seq
        assert is_one_sentence(caught.value, path)
        with pytest.raises(StorageError):
            log.redact(branch, 2)
        assert [event.seq for event in log.read(branch)] == list(range(1, seq + 1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    log.append(branch, seq, [says("there is room again")])
    log.close()
    with closing(open_for_reading(path)) as reader:
        assert [event.seq for event in reader.read(branch)] == list(range(1, seq + 2))
        assert reader.faults() == []


def test_no_room_for_a_new_database(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_disk / "ballast").write_bytes(bytes(2_000_000))
    for attempt in range(2):
        with pytest.raises(DiskFull) as caught:
            open_log(small_disk / "log.db")
        assert is_one_sentence(caught.value, small_disk / "log.db"), attempt
    (small_disk / "ballast").unlink()
    with closing(open_log(small_disk / "log.db")) as log:
        assert log.sessions() == []


# What is opened


def test_where_a_log_may_be(tmp_path: Path) -> None:
    path = tmp_path / "a log.db"
    branch = a_database(path)
    for where in (path, str(path), f"sqlite:///{path}", f"sqlite+pysqlite:///{path}"):
        for opener in (open_log, open_for_reading):
            with closing(opener(where)) as log:
                assert len(list(log.read(branch))) == 4
    for where in (":memory:", "sqlite://", "sqlite:///:memory:"):
        assert isinstance(open_log(where), MemoryLog)
    with pytest.raises(UsageError, match="mysql"):
        open_log("mysql://localhost/chat")


@pytest.mark.parametrize("name", ["a?b.db", "a#b%20.db", "ä ö.db", "log.db?mode=ro"])
def test_an_odd_file_name(tmp_path: Path, name: str) -> None:
    branch = a_database(tmp_path / name)
    with closing(open_for_reading(tmp_path / name)) as reader:
        assert isinstance(reader, SqliteReader)
        assert len(list(reader.read(branch))) == 4
    assert all(path.name.startswith(name) for path in tmp_path.iterdir())
