"""The log on a real PostgreSQL."""

import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import count

import pytest

from gptoss.engine.errors import DatabaseReadOnly, HeadConflict, SchemaTooNew, StorageError, UsageError
from gptoss.engine.events import MessageAppended, SessionRenamed, TokensSampled
from gptoss.engine.ports import EventLog
from gptoss.storage import opening
from gptoss.storage.memory import MemoryLog
from gptoss.storage.opening import examined, open_for_reading, open_log
from gptoss.storage.sql import SqlLog
from tests.contracts.event_log import SETTINGS, EventLogContract, says
from tests.storage.processes import lines, start
from tests.storage.servers import Server, programs, server

_numbers = count(1)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed: no pg_ctl")
    with server(where) as running:
        running.run("CREATE DATABASE pattern")
        open_log(running.url("pattern")).close()  # migrated once, and then copied
        running.run("CREATE DATABASE contract TEMPLATE pattern")
        yield running


@pytest.fixture
def url(postgres: Server) -> str:
    """A database of its own, with our tables."""
    name = f"test_{next(_numbers)}"
    postgres.run(f"CREATE DATABASE {name} TEMPLATE pattern")
    return postgres.url(name)


class TestPostgres(EventLogContract):
    @pytest.fixture(autouse=True)
    def _on_server(self, postgres: Server) -> None:
        self.url = postgres.url("contract")
        emptied = opening._postgres(self.url)
        emptied._connected().exec_driver_sql("TRUNCATE sessions, branches, events, blobs, blob_uses, leases, search")
        emptied.close()

    def open(self) -> EventLog:
        return open_log(self.url)


def test_an_empty_database_reads_as_an_empty_log_and_is_left_alone(postgres: Server) -> None:
    postgres.run("CREATE DATABASE empty")
    url = postgres.url("empty")
    assert isinstance(open_for_reading(url), MemoryLog)
    assert "(no tables yet)" in examined(url)[0]
    with closing(open_log(url)) as log:
        log.start("ada", SETTINGS)
    with closing(open_for_reading(url)) as reader:
        assert [session.name for session in reader.sessions()] == ["ada"]
    assert "schema 0002" in examined(url)[0]


def test_what_was_booked_can_be_computed_again(url: str) -> None:
    with closing(open_log(url)) as log:
        ada, bob = log.start("ada", SETTINGS), log.start("bob", SETTINGS)
        log.append(ada.branch, 1, [says("hello"), SessionRenamed(name="eve")])
        log.append(bob.branch, 1, [SessionRenamed(name="ada")])
        log.fork(ada.branch, 2)
        before = log.sessions(), log.branches(ada.id)
        assert log.faults() == []
        assert isinstance(log, SqlLog)
        with log._write as execute:
            execute("UPDATE sessions SET name = ?, created = 1 WHERE name = ?", ("other", "eve"))
        assert {fault.repairable for fault in log.faults()} == {True}
        log.repair()
        assert (log.sessions(), log.branches(ada.id)) == before
        assert log.faults() == []


def test_a_damaged_row_is_found(url: str) -> None:
    with closing(open_log(url)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says("hello")])
        assert isinstance(log, SqlLog)
        with log._write as execute:
            execute("UPDATE events SET time = time + 1 WHERE kind = 'MessageAppended'")
        with pytest.raises(StorageError, match="event 2 of session 'ada'"):
            list(log.read(branch))


@pytest.mark.parametrize("writers", [2, 4])
def test_every_append_is_stored_or_refused(url: str, writers: int) -> None:
    with closing(open_log(url)) as log:
        branch = log.start("ada", SETTINGS).branch
        workers = [start("contend", url, branch, f"writer {n}", 25) for n in range(writers)]
        acknowledged = dict(line.split(" ", 1) for worker in workers for line in lines(worker))
        stored = {
            str(event.seq): event.event.message.content
            for event in log.read(branch)
            if isinstance(event.event, MessageAppended)
        }
        assert stored == acknowledged
        assert len(stored) == writers * 25


def test_sessions_that_are_created_at_once_get_different_names(url: str) -> None:
    workers = [start("create", url, f"session {n}") for n in range(3)]
    ids = {line for worker in workers for line in lines(worker)}
    with closing(open_log(url)) as log:
        assert {session.id for session in log.sessions()} == ids


def test_a_log_outlives_a_restart_of_the_server(postgres: Server, url: str) -> None:
    with closing(open_log(url)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says("before")])
        postgres.restart()
        with pytest.raises(StorageError, match="cannot be reached"):
            log.append(branch, 2, [says("lost")])
        log.append(branch, 2, [says("after")])
        assert len(list(log.read(branch))) == 3
        with pytest.raises(HeadConflict):
            log.append(branch, 2, [says("late")])


def test_a_crash_of_the_server_takes_the_last_tokens_and_nothing_else(postgres: Server, url: str) -> None:
    with closing(open_log(url)) as log:
        branch = log.start("ada", SETTINGS).branch
        log.append(branch, 1, [says("before")])
        log.append(branch, 2, [TokensSampled(ids=(1, 2, 3))], durable=False)
        assert len(list(log.read(branch))) == 3
        postgres.restart()
        with suppress(StorageError):
            log.sessions()  # it connects again
        with pytest.raises(HeadConflict, match="no longer has the newest tokens"):
            log.append(branch, 3, [says("this follows what is gone")])
    with closing(open_log(url)) as log:
        assert len(list(log.read(branch))) == 2
        assert log.faults() == []
        log.append(branch, 2, [says("after")])


def test_what_a_crash_took_is_not_built_upon(postgres: Server, url: str) -> None:
    """Another writer has put something in the place of what is gone."""
    with closing(open_log(url)) as one, closing(open_log(url)) as other:
        branch = one.start("ada", SETTINGS).branch
        one.append(branch, 1, [TokensSampled(ids=(1, 2, 3))], durable=False)
        postgres.restart()
        with suppress(StorageError):
            other.sessions()  # it connects again
        other.append(branch, 1, [says("in its place")])
        with suppress(StorageError):
            one.sessions()
        with pytest.raises(HeadConflict):
            one.append(branch, 2, [says("this follows what is gone")])
        assert len(list(one.read(branch))) == 2


def test_a_log_outlives_a_server_that_is_down(postgres: Server, url: str, caplog: pytest.LogCaptureFixture) -> None:
    with closing(open_log(url)) as log:
        branch = log.start("ada", SETTINGS).branch
        with postgres.down():
            for text in ("on the old connection", "on a new one"):
                with pytest.raises(StorageError, match="cannot be reached"):
                    log.append(branch, 1, [says(text)])
        log.append(branch, 1, [says("after")])
        assert len(list(log.read(branch))) == 2
    assert caplog.records == []


def test_whatever_stands_in_the_way_is_said(postgres: Server, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres.run("CREATE USER secretive PASSWORD 'right'")
    for wrong, sentence in {
        postgres.url("nowhere"): "create it with `createdb`",
        postgres.url("pattern", "secretive", "wrong"): "check the user and the password",
        postgres.url("pattern", "secretive"): "check the user and the password",
        "postgresql+psycopg://localhost:1/x": "cannot be reached",
        "postgresql://nobody.invalid/x": "cannot be reached",
    }.items():
        for opener in (open_log, open_for_reading):
            with pytest.raises(StorageError, match=sentence) as caught:
                opener(wrong)
            assert "wrong" not in str(caught.value)  # nobody reads a password over a shoulder
            assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="no URL"):
        open_log("postgresql://host:port/x")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install 'gptoss\[postgres\]'"):
        open_log(url)


def test_a_user_without_rights(postgres: Server, url: str) -> None:
    postgres.run("CREATE USER reader")
    database = url.partition("?")[0].rpartition("/")[2]
    reading = postgres.url(database, "reader")
    with pytest.raises(StorageError) as caught, closing(open_log(reading)) as log:
        log.start("ada", SETTINGS)
    assert isinstance(caught.value, DatabaseReadOnly)


def test_a_newer_schema_and_tables_of_others(postgres: Server, url: str) -> None:
    log = open_log(url)
    assert isinstance(log, SqlLog)
    with log._write as execute:
        execute("UPDATE alembic_version SET version_num = '0999'")
    log.close()
    for opener in (open_log, open_for_reading):
        with pytest.raises(SchemaTooNew):
            opener(url)
    postgres.run("CREATE DATABASE others")
    other = opening._postgres(postgres.url("others"))
    other._connected().exec_driver_sql("CREATE TABLE events (a int)")
    other.close()
    with pytest.raises(StorageError, match="another program"):
        open_log(postgres.url("others"))
