"""Several processes on one file, and processes that die."""

import os
import random
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.errors import DatabaseLocked, SessionNotFound
from gptoss.engine.events import MessageAppended
from gptoss.storage.database import SqliteDatabase
from gptoss.storage.opening import open_for_reading
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, says
from tests.storage.processes import lines, start


@pytest.mark.parametrize("writers", [2, 4])
def test_every_append_is_stored_or_refused(tmp_path: Path, writers: int) -> None:
    count = int(os.environ.get("GPTOSS_TEST_APPENDS", "60"))  # the log was tried with 1,000
    with closing(SqlLog(tmp_path / "log.db")) as log:
        branch = log.start("ada", SETTINGS).branch
        workers = [start("contend", tmp_path / "log.db", branch, f"writer {n}", count) for n in range(writers)]
        acknowledged = {}
        for worker in workers:
            for line in lines(worker):
                seq, _, text = line.partition(" ")
                assert int(seq) not in acknowledged
                acknowledged[int(seq)] = text
        stored = {
            event.seq: event.event.message.content
            for event in log.read(branch)
            if isinstance(event.event, MessageAppended)
        }
        assert stored == acknowledged
        assert sorted(stored) == list(range(2, 2 + writers * count))
        assert log.session("ada").messages == writers * count


def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
    acknowledged = 1
    for _ in range(20):
        worker = start("append", path, branch)
        assert worker.stdout is not None
        first = worker.stdout.readline()
        time.sleep(random.uniform(0, 0.05))
        worker.send_signal(signal.SIGKILL)
        said = [first, *worker.stdout]
        worker.communicate()
        # The kill may have cut the last line.
        whole = [int(line) for line in said if line.endswith("\n")]
        assert whole[0] > acknowledged
        acknowledged = whole[-1]
        with closing(open_for_reading(path)) as reader:
            seqs = [event.seq for event in reader.read(branch)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) >= acknowledged
        acknowledged = len(seqs)


def test_processes_that_create_one_database_at_once_agree(tmp_path: Path) -> None:
    for attempt in range(3):
        path = tmp_path / f"log {attempt}.db"
        workers = [start("create", path, f"session {n}") for n in range(3)]
        ids = {line for worker in workers for line in lines(worker)}
        with closing(open_for_reading(path)) as reader:
            assert {session.id for session in reader.sessions()} == ids
        assert len(ids) == 3
        assert list(tmp_path.glob("*.backup*")) == []


def test_a_lock_that_stays_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = SqlLog(path)
    branch = log.start("ada", SETTINGS).branch
    holder = start("hold", path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    log._rows("PRAGMA busy_timeout = 50")
    with pytest.raises(DatabaseLocked, match=f"{path} is in use by another program"):
        log.append(branch, 1, [says("hello")])
    with pytest.raises(DatabaseLocked):
        log.fork(branch, 1)
    # Reading goes on, and so does writing once the lock is gone.
    assert len(list(log.read(branch))) == 1
    holder.communicate()
    log.append(branch, 1, [says("hello")])
    log.close()


def test_a_writer_waits_for_a_lock_that_goes(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
        with closing(dbapi.connect(str(path), isolation_level=None)) as other:
            assert log._rows("PRAGMA busy_timeout")[0][0] >= 5000
            other.execute("BEGIN IMMEDIATE")
            worker = start("contend", path, branch, "patient", 1)
            time.sleep(0.5)
            assert worker.poll() is None
            other.execute("COMMIT")
            assert lines(worker) == ["2 patient 0"]


def test_a_session_deleted_by_another_process_is_not_written_to(tmp_path: Path) -> None:
    with closing(SqlLog(tmp_path / "log.db")) as one, closing(SqlLog(tmp_path / "log.db")) as other:
        session = one.start("ada", SETTINGS)
        one.append(session.branch, 1, [says("hello")])
        other.delete(session.id)
        again = other.start("ada", SETTINGS)
        with pytest.raises(SessionNotFound):
            one.append(session.branch, 2, [says("lost?")])
        assert [event.seq for event in one.read(again.branch)] == [1]


def test_both_synchronous_settings_are_really_set(tmp_path: Path) -> None:
    """FULL is 2 and NORMAL 1, see https://www.sqlite.org/pragma.html#pragma_synchronous."""
    database = SqliteDatabase(tmp_path / "log.db")
    cursor = database.open()
    for durable, expected in ((True, 2), (False, 1), (False, 1), (True, 2)):
        database.begin(durable=durable, alone=False)
        assert cursor.execute("PRAGMA synchronous").fetchone() == (expected,)
        cursor.execute("COMMIT")
    assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()
