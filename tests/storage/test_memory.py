from gptoss.engine.ports import EventLog
from gptoss.storage.memory import MemoryLog
from tests.contracts.event_log import EventLogContract


class TestMemoryLog(EventLogContract):
    log_: EventLog

    def open(self) -> EventLog:
        # A log in memory is shared by sharing the object; pytest gives each test an instance of its own.
        if not hasattr(self, "log_"):
            self.log_ = MemoryLog()
        return self.log_
