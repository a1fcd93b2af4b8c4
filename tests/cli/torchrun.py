"""`torchrun -m gptoss chat` in a terminal, and the processes that come of it."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pexpect

from gptoss.engine.events import StoredEvent
from gptoss.storage.opening import open_for_reading
from tests.cli.terminals import plain

MARK = "GPTOSS_HOME"


class Process(NamedTuple):
    """`rank` is None for torchrun and what tools start; `relays`: it only carries rank 0's terminal."""

    pid: int
    rank: int | None
    relays: bool


class Ranks:
    """A chat on several ranks. Its processes are known by the home folder in their environment."""

    def __init__(self, count: int, environment: dict[str, str], *arguments: str, piped: bool = False) -> None:
        self.count = count
        self.home = Path(environment[MARK])
        self._shown = ""
        words = ["--nproc-per-node", str(count), "-m", "gptoss", *arguments]
        variables = environment | {
            "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody is there to say where the cursor is
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        command = [sys.executable, "-m", "torch.distributed.run", *words]
        if piped:
            command = ["sh", "-c", '"$@" < /dev/null', "sh", *command]
        self.child: pexpect.spawn[str] = pexpect.spawn(
            command[0], command[1:], env=variables, encoding="utf-8", timeout=120, dimensions=(30, 100)
        )

    def processes(self) -> list[Process]:
        """All that live."""
        found = []
        mark = f"{MARK}={self.home}".encode()
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                pid = int(entry.name)
                variables = (entry / "environ").read_bytes().split(b"\0")
                if mark not in variables or (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    continue
                ranks = [int(each[5:]) for each in variables if each.startswith(b"RANK=")]
                found.append(Process(pid, ranks[0] if ranks else None, False))
        leaders = {process.pid for process in found if process.rank == 0}
        parents = {_parent(pid) for pid in leaders}
        return [process._replace(relays=process.pid in parents & leaders) for process in found]

    def rank(self, number: int) -> int:
        """The process that is this rank: of rank 0 the one that chats."""
        mine = [process for process in self.processes() if process.rank == number and not process.relays]
        return min(process.pid for process in mine)

    def relay(self) -> int:
        return next(process.pid for process in self.processes() if process.relays)

    def gone_within(self, seconds: float) -> float:
        """How long it took until no rank was left; AssertionError if some are, or if torchrun stays after them.

        torchrun is not ours: on a busy machine the report that it writes alone takes it some seconds.
        """
        started = time.monotonic()
        ended: float | None = None
        while left := self.processes():
            took = time.monotonic() - started
            ours = [process for process in left if process.rank is not None]
            if not ours and ended is None:
                ended = took
            assert took < (seconds if ours else 60), f"after {took} s there are still {left}"
            with suppress(pexpect.TIMEOUT, pexpect.EOF, OSError, ValueError):  # nothing comes, or can come any more
                self._shown += self.child.read_nonblocking(1 << 16, timeout=0.05)
            time.sleep(0.02)
        return time.monotonic() - started if ended is None else ended

    def rest(self) -> str:
        """What the screen showed since the last wait, to the end."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return plain(self._shown + (self.child.before or ""))

    def end(self) -> None:
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        with suppress(pexpect.ExceptionPexpect):
            self.child.close(force=True)


@contextmanager
def ranks(count: int, environment: dict[str, str], *arguments: str, piped: bool = False) -> Iterator[Ranks]:
    started = Ranks(count, environment, *arguments, piped=piped)
    try:
        yield started
    finally:
        started.end()


def history(home: Path, session: str) -> list[StoredEvent]:
    """All events of the session's current branch; reading them checks the hash chain."""
    log = open_for_reading(home / "gptoss.db")
    try:
        return list(log.read(log.session(session).branch))
    finally:
        log.close()


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
