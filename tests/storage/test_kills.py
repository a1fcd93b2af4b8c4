"""SIGKILL at random moments of everything that writes: no open fails, and nothing that was acknowledged is lost.

`GPTOSS_TEST_KILLS=1000` kills more often; `benchmarks/survive.py` does it to whole chats.
"""

import os
import random
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.events import MessageAppended
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.storage.health import examine
from gptoss.storage.opening import open_log
from gptoss.storage.sql import SqlLog
from tests.contracts.event_log import SETTINGS
from tests.storage.processes import start
from tests.storage.test_golden import WHOLE, facts, found

KILLS = int(os.environ.get("GPTOSS_TEST_KILLS", "6"))


def killed(command: str, path: Path, most: float) -> list[str]:
    """The whole lines that a worker said before it was killed, at a random moment after it was ready."""
    worker = start(command, path)
    assert worker.stdout is not None
    first = worker.stdout.readline()
    if first != "ready\n":
        _, err = worker.communicate()
        raise AssertionError(err)
    time.sleep(random.uniform(0, most))
    worker.send_signal(signal.SIGKILL)
    said = [line for line in worker.stdout if line.endswith("\n")]  # the kill may have cut the last line
    worker.communicate()
    return said


def test_nothing_is_lost_to_kills_of_everything_that_writes(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with closing(SqlLog(path)) as log:
        branch = log.start("ada", SETTINGS).branch
    appended: set[int] = set()
    redacted: set[int] = set()
    for _ in range(KILLS):
        for line in killed("maintain", path, 0.6):
            what, _, number = line.strip().partition(" ")
            if what == "appended":
                appended.add(int(number))
            elif what == "redacted":
                redacted.add(int(number))
        with closing(open_log(path)) as log:
            events = {stored.seq: stored for stored in log.read(branch)}
            assert list(events) == list(range(1, len(events) + 1))
            for seq in appended:
                event = events[seq].event
                assert isinstance(event, MessageAppended)
                assert event.message.content == ("[redacted]" if events[seq].redacted else f"number {seq} of whales")
            assert all(events[seq].redacted for seq in redacted)
            said = {seq for seq, stored in events.items() if isinstance(stored.event, MessageAppended)}
            hits = log.search(SearchRequest(query=parse_query("whales"), session="ada", limit=len(events)))
            assert {hit.seq for hit in hits} == {seq for seq in said if not events[seq].redacted}
        examined = examine(path)
        assert (examined.damage, examined.faults) == ((), ())
    assert appended


@pytest.mark.parametrize("file", [path for path in WHOLE if path.parent.name.startswith("schema-")])
def test_nothing_is_lost_to_kills_of_a_migration(file: Path, tmp_path: Path) -> None:
    for number in range(KILLS):
        path = Path(shutil.copy(file, tmp_path / f"{number}.db"))
        killed("migrate", path, 0.08)
        with closing(open_log(path)) as log:
            assert found(log) == facts(file)
            assert log.faults() == []
        assert path.with_name(f"{path.name}.schema-0001.backup").exists()
