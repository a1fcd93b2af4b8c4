import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.errors import StorageError
from gptoss.engine.events import (
    Artefact,
    GenerationFinished,
    HeadMoved,
    SessionRenamed,
    TokensSampled,
    ToolReturned,
)
from gptoss.engine.ports import EventLog, EventReader
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.storage.health import examine
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SEAL_EVERY, SqlLog
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, EventLogContract, answers, says


class TestSqlLog(EventLogContract):
    @pytest.fixture(autouse=True)
    def _in_folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "log.db"

    def open(self) -> EventLog:
        return SqlLog(self.path)


class TestSqliteReader(TestSqlLog):
    """The reading half of the contract, on the reader that imports no SQLAlchemy."""

    @pytest.fixture(autouse=True)
    def _reader(self, _in_folder: None) -> Iterator[None]:
        self.opened: list[SqliteReader] = []
        yield
        for reader in self.opened:
            reader.close()

    def reader(self, log: EventLog) -> EventReader:
        reader = SqliteReader(self.path)
        assert reader.is_current
        self.opened.append(reader)
        return reader


def branch_row(path: Path, columns: str) -> tuple[object, ...]:
    with closing(dbapi.connect(str(path))) as connection:
        row: tuple[object, ...] = connection.execute(f"SELECT {columns} FROM branches").fetchone()
    return row


def test_a_branch_is_sealed_when_a_generation_ends_when_enough_came_and_at_the_close(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqlLog(path)
    branch = log.start("ada", SETTINGS).branch
    log.append(branch, 1, [says("one"), answers("two"), says("three"), answers("four"), says("five")])
    assert branch_row(path, "head") == (6,)
    log.append(branch, 6, [answers("six")])
    assert branch_row(path, "head") == (6,)
    log.append(branch, 7, [GenerationFinished(reason="stop")])
    (ended,) = log.records(branch, 7)
    assert branch_row(path, "head, hash") == (8, ended.hash)
    seq = 8
    while branch_row(path, "head") == (8,):
        seq = log.append(branch, seq, [says("more")])[-1].seq
    assert branch_row(path, "head") == (seq,) == (8 + SEAL_EVERY,)
    log.append(branch, seq, [TokensSampled(ids=(1,))], durable=False)
    (last,) = log.records(branch, seq)
    log.close()
    assert branch_row(path, "head, hash") == (seq + 1, last.hash)


def test_an_older_seal_never_takes_the_place_of_a_newer_one(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    behind, ahead = SqlLog(path), SqlLog(path)
    branch = behind.start("ada", SETTINGS).branch
    behind.append(branch, 1, [says(str(n)) for n in range(5)])
    behind.append(branch, 6, [says("lags")])
    ahead.append(branch, 7, [says("goes on")])
    ahead.close()
    assert branch_row(path, "head") == (8,)
    behind.close()
    assert branch_row(path, "head") == (8,)


def test_projections_can_be_computed_again(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqlLog(path)
    ada, bob = log.start("ada", SETTINGS), log.start("bob", SETTINGS)
    digest = log.put_blob(b"data")
    artefact = Artefact(digest=digest, name="a", media_type="b", size=4)
    log.append(ada.branch, 1, [says("hello"), ToolReturned(call=1, outcome="ok", artefacts=(artefact,))])
    fork = log.fork(ada.branch, 2, "other")
    log.append(fork.id, 3, [HeadMoved(came_from=ada.branch), says("there")])
    # The two swap their names.
    log.append(ada.branch, 3, [SessionRenamed(name="between")])
    log.append(bob.branch, 1, [SessionRenamed(name="ada")])
    log.append(ada.branch, 4, [SessionRenamed(name="bob")])
    before = log.sessions(), log.branches(ada.id), log.branches(bob.id)
    with closing(dbapi.connect(str(path), isolation_level=None)) as connection:
        connection.execute("UPDATE sessions SET name = 'x' || key, branch = 1, created = 0")
        connection.execute("UPDATE branches SET name = 'x' || key, parent = NULL, at_seq = 0, preview = 'x', head = 0")
        connection.execute("DELETE FROM blob_uses")
    assert (log.sessions(), log.branches(ada.id), log.branches(bob.id)) != before
    log.repair()
    assert (log.sessions(), log.branches(ada.id), log.branches(bob.id)) == before
    assert [len(list(log.read(branch.id))) for branch in before[1]] == [5, 5]
    log.delete(ada.id)
    with pytest.raises(StorageError):
        log.get_blob(digest)
    log.close()


def test_a_database_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqlLog(path)
    log.start("ada", SETTINGS)
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {
        "log.db": 0o600,
        "log.db-wal": 0o600,
        "log.db-shm": 0o600,
    }
    log.close()


def test_people_can_read_the_file(tmp_path: Path) -> None:
    """With whatever opens SQLite: text is text, and branch and seq are columns."""
    path = tmp_path / "log.db"
    log = SqlLog(path)
    branch = log.start("ada", SETTINGS).branch
    log.append(branch, 1, [says("hello"), TokensSampled(ids=(1, 300), elapsed_ms=5)])
    log.close()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT branch, seq, kind, payload, tokens FROM events").fetchall()
    assert [rows[0][:3], *rows[1:]] == [
        (1, 1, "SessionStarted"),
        (1, 2, "MessageAppended", '{"message":{"role":"user","content":"hello"}}', None),
        (1, 3, "TokensSampled", '{"elapsed_ms":5}', b"\x01\xac\x02"),
    ]


def test_one_log_serves_a_thread_that_writes_and_one_that_reads(tmp_path: Path) -> None:
    log = SqlLog(tmp_path / "log.db")
    branch = log.start("ada", SETTINGS).branch
    failures: list[BaseException] = []

    def flush() -> None:
        try:
            for seq in range(1, 200):
                log.append(branch, seq, [TokensSampled(ids=(seq,))], durable=seq % 7 == 0)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    flusher = threading.Thread(target=flush)
    flusher.start()
    while flusher.is_alive():
        seqs = [event.seq for event in log.read(branch)]
        assert seqs == list(range(1, len(seqs) + 1))
    flusher.join()
    assert failures == []
    assert len(list(log.read(branch))) == 200
    log.close()


def test_a_damaged_index_loses_nothing_and_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    request = SearchRequest(query=parse_query("whales"))
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says(f"{n} whales sleep") for n in range(300)])
        assert len(log.search(request)) == 20
    with closing(dbapi.connect(str(path))) as connection:
        connection.execute("UPDATE search_data SET block = zeroblob(length(block))")
        connection.commit()
    with closing(SqliteReader(path)) as reader:
        assert len(reader.search(request)) == 20
    with closing(SqlLog(path)) as log:
        log.append(branch, 301, [says("more whales")])
        assert len(log.search(request)) == 20
        assert any("full-text index" in fault.problem for fault in examine(path).faults)
        log.repair()
        assert examine(path).faults == ()
        assert len(log.search(request)) == 20
