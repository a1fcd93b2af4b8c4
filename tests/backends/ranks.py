"""Ranks for tests: this process is rank 0, the others are real ones beside it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from gptoss.backends.parallel.crew import Crew
from gptoss.backends.parallel.group import Ranks, meeting_point, place
from gptoss.backends.parallel.leading import LeadingGenerator, open_together
from gptoss.backends.parallel.world import world


class Together(NamedTuple):
    """Rank 0 of several. `asked` counts how often it was told to leave; `said` is what it would have said then."""

    crew: Crew
    group: Ranks
    others: list["subprocess.Popen[bytes]"]
    asked: list[int]
    said: list[str]

    def open(self, checkpoint: Path, backend: str = "torch") -> LeadingGenerator:
        return open_together(self.crew, self.group, backend, checkpoint)

    def wait_for_signal(self) -> None:
        deadline = time.monotonic() + 10
        while not self.asked and time.monotonic() < deadline:
            time.sleep(0.01)
        assert self.asked == [signal.SIGTERM]


@contextmanager
def together(size: int, follower: str = "gptoss", folders: dict[int, Path] | None = None) -> Iterator[Together]:
    """`follower` is the module that the other ranks run, each in its own of the `folders`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    everybody = {"WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    others = [
        subprocess.Popen(
            [sys.executable, "-m", follower],
            env={**os.environ, **everybody, "RANK": str(rank), "PYTHONPATH": str(Path(__file__).parents[2])},
            cwd=(folders or {}).get(rank),
            stdin=subprocess.DEVNULL,
        )
        for rank in range(1, size)
    ]
    asked: list[int] = []
    said: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    found = world({**everybody, "RANK": "0"})
    assert found is not None
    group = crew = None
    try:
        store = meeting_point(found)
        crew = Crew(found, store, "cpu", said.append)
        group = Ranks(found, store, place(found))
        yield Together(crew, group, others, asked, said)
    finally:
        if crew is not None:
            crew.leave()
        for process in others:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
            process.wait()
        if crew is not None:
            crew.close()
        if group is not None:
            group.close()
        signal.signal(signal.SIGTERM, before)
