"""Both logs take sessions in as they were."""

from pathlib import Path

import pytest

from gptoss.engine.ports import EventLog, EventReader
from gptoss.storage.memory import MemoryLog
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from tests.contracts.restoring import RestoringContract


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
