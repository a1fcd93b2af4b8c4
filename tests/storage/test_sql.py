from collections.abc import Iterator
from pathlib import Path

import pytest

from gptoss.engine.ports import EventLog, EventReader
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from tests.contracts.event_log import EventLogContract


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
