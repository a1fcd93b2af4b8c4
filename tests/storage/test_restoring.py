"""Every log takes sessions in as they were."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from msgspec.structs import replace

from gptoss.engine.events import ToolReturned
from gptoss.engine.ports import EventLog, EventReader
from gptoss.storage.memory import MemoryLog
from gptoss.storage.opening import open_log
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from tests.contracts.restoring import RestoringContract, an_eventful_session, records_of
from tests.storage.servers import Server, programs, server

_numbers = count(1)


class TestMemory(RestoringContract):
    def open(self) -> EventLog:
        return MemoryLog()


class TestSql(RestoringContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.path = tmp_path / "log.db"

    def open(self) -> EventLog:
        return SqlLog(self.path)


class TestReader(TestSql):
    def reader(self, log: EventLog) -> EventReader:
        return SqliteReader(self.path)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed: no pg_ctl")
    with server(where) as running:
        running.run("CREATE DATABASE pattern")
        open_log(running.url("pattern")).close()
        yield running


class TestPostgres(RestoringContract):
    @pytest.fixture(autouse=True)
    def _database(self, postgres: Server) -> None:
        name = f"restored_{next(_numbers)}"
        postgres.run(f"CREATE DATABASE {name} TEMPLATE pattern")
        self.url = postgres.url(name)

    def open(self) -> EventLog:
        return open_log(self.url)


@pytest.mark.parametrize("where", ["memory", "file"])
def test_what_was_redacted_stays_so(tmp_path: Path, where: str) -> None:
    log: EventLog = MemoryLog() if where == "memory" else SqlLog(tmp_path / "log.db")
    session = an_eventful_session(log)
    path = list(log.read(log.branches(session.id)[0].id))
    for seq in (2, next(stored.seq for stored in path if isinstance(stored.event, ToolReturned))):
        log.redact(path[0].branch, seq)
    records = records_of(log, session.name)
    assert "Hello" not in str(records)
    assert records.blobs == []
    other = MemoryLog()
    other.restore([records])
    assert records_of(other, session.name) == records
    (copy,) = log.restore([replace(records, name="copy")])
    assert [stored.event for stored in log.read(copy.branch)][1] == [s.event for s in log.read(session.branch)][1]
    log.close()
