"""Whose lease it is, and when it is over."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.errors import BranchBusy
from gptoss.storage import leases
from gptoss.storage.processes import STALE_SECONDS, is_alive, this_host, when_began
from gptoss.storage.sql import SqlLog
from tests.contracts.event_log import SETTINGS, says
from tests.storage.processes import start
from tests.storage.test_integrity import tamper


def test_a_process_is_told_by_its_id_and_its_beginning() -> None:
    began = when_began(os.getpid())
    assert began
    assert is_alive(os.getpid(), began)
    assert not is_alive(os.getpid(), began + "0")  # the id is used again
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert is_alive(child.pid, when_began(child.pid) or "")
    child.kill()
    while when_began(child.pid) is not None:  # until it is a zombie, which counts as dead
        time.sleep(0.01)
    child.wait()
    assert not is_alive(child.pid, "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(SqlLog(tmp_path / "log.db")) as log:
        log.start("ada", SETTINGS)
    return tmp_path / "log.db"


def test_a_live_process_keeps_its_lease_and_a_dead_one_does_not(path: Path) -> None:
    with closing(SqlLog(path)) as log:
        branch = log.session("ada").branch
        holder = start("acquire", path, branch)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "acquired\n"
        with pytest.raises(BranchBusy) as caught:
            log.acquire(branch)
        assert caught.value.pid == holder.pid
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
        assert log.holder(branch) is None
        log.acquire(branch).release()


def test_a_lease_of_another_host_is_over_when_it_is_not_renewed(path: Path) -> None:
    with closing(SqlLog(path)) as log:
        branch = log.session("ada").branch
        lease = log.acquire(branch)
        tamper(path, "UPDATE leases SET host = 'elsewhere/1', pid = 1")
        with pytest.raises(BranchBusy, match="pid 1 on elsewhere"):
            log.acquire(branch)
        tamper(path, "UPDATE leases SET heartbeat = heartbeat - ?", int(STALE_SECONDS * 1_000_000))
        with log.acquire(branch):
            lease.release()
            assert log.holder(branch) is not None


def test_a_lease_is_renewed_and_knows_when_it_is_lost(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    with closing(SqlLog(path)) as log:
        branch = log.session("ada").branch
        lease = log.acquire(branch)
        first = log.holder(branch)
        assert first is not None
        while (now := log.holder(branch)) is not None and now.heartbeat == first.heartbeat:
            time.sleep(0.01)
        assert now is not None
        with closing(SqlLog(path)) as other, other.acquire(branch, take_over=True):
            while not lease.lost:
                time.sleep(0.01)
            assert other.holder(branch) is not None
        log.append(branch, 1, [says("still there")])


def test_a_log_that_is_closed_lets_go(path: Path) -> None:
    log = SqlLog(path)
    branch = log.session("ada").branch
    log.acquire(branch)
    log.close()
    with closing(SqlLog(path)) as other:
        assert other.holder(branch) is None


def test_the_host_has_a_name() -> None:
    name, _, which = this_host().partition("/")
    assert name
    assert which
