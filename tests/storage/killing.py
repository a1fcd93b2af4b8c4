"""Kill what writes to a log at random moments, and see that it opens and that nothing acknowledged is lost."""

import random
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path

from gptoss.engine.events import MessageAppended
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.storage.health import examine
from gptoss.storage.opening import open_log
from tests.contracts.event_log import SETTINGS
from tests.storage.processes import start
from tests.storage.test_golden import facts, found


class Maintenance:
    """A database to which everything is done that can be: by `tests.storage.worker.maintain`, until it is killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with closing(open_log(path)) as log:
            self._branch = log.start("ada", SETTINGS).branch
        self._appended: set[int] = set()
        self._redacted: set[int] = set()
        self._deleted: set[str] = set()

    @property
    def acknowledged(self) -> int:
        """How much was said to have been done so far."""
        return len(self._appended) + len(self._redacted) + len(self._deleted)

    def kill(self, dice: random.Random) -> None:
        """One more kill. AssertionError when something is lost or damaged."""
        for line in killed("maintain", self.path, dice.uniform(0, 0.6)):
            what, _, which = line.strip().partition(" ")
            if what == "deleted":
                self._deleted.add(which)
            else:
                {"appended": self._appended, "redacted": self._redacted}[what].add(int(which))
        with closing(open_log(self.path)) as log:
            events = {stored.seq: stored for stored in log.read(self._branch)}
            assert list(events) == list(range(1, len(events) + 1))
            for seq in self._appended:
                event = events[seq].event
                assert isinstance(event, MessageAppended)
                assert event.message.content == ("[redacted]" if events[seq].redacted else f"number {seq} of whales")
            assert all(events[seq].redacted for seq in self._redacted)
            assert self._deleted.isdisjoint(session.id for session in log.sessions())
            said = {seq for seq, stored in events.items() if isinstance(stored.event, MessageAppended)}
            hits = log.search(SearchRequest(query=parse_query("whales"), session="ada", limit=len(events)))
            assert {hit.seq for hit in hits} == {seq for seq in said if not events[seq].redacted}
        examined = examine(self.path)
        assert (examined.damage, examined.faults) == ((), ())


def kill_migration(file: Path, path: Path, dice: random.Random) -> None:
    """Kill whoever migrates a copy of a golden history to `path`. AssertionError when something is lost."""
    shutil.copy(file, path)
    killed("migrate", path, dice.uniform(0, 0.08))
    with closing(open_log(path)) as log:
        assert found(log) == facts(file)
        assert log.faults() == []
    assert path.with_name(f"{path.name}.schema-0001.backup").exists()


def killed(command: str, path: Path, after: float) -> list[str]:
    """The whole lines that a worker said until it was killed, so many seconds after it was ready."""
    worker = start(command, path)
    assert worker.stdout is not None
    first = worker.stdout.readline()
    if first != "ready\n":
        _, err = worker.communicate()
        raise AssertionError(err)
    time.sleep(after)
    worker.send_signal(signal.SIGKILL)
    said = [line for line in worker.stdout if line.endswith("\n")]  # the kill may have cut the last line
    worker.communicate()
    return said
