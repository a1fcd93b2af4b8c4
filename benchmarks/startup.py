"""How long the commands take that people expect to answer at once, beside `python -c pass`.

    python benchmarks/startup.py [--runs 30]

It makes a database with some sessions, runs the commands in turn (so that a busy machine slows all of them alike) and
prints, for each, wall time and processor time and their ratio to an interpreter that does nothing.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gptoss.engine.events import MessageAppended
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings
from gptoss.storage.opening import open_log

SESSIONS = 50
MESSAGES = 40


def fill(database: Path) -> None:
    """A log as somebody might have after some weeks."""
    log = open_log(database)
    for number in range(SESSIONS):
        branch = log.start(f"session-{number}", Settings(start_date="2026-01-02")).branch
        said = [
            Message(role="user", content=f"Question {n} of session {number}")
            if n % 2 == 0
            else Message(role="assistant", channel="final", content=f"Answer {n}. " * 20)
            for n in range(MESSAGES)
        ]
        log.append(branch, 1, [MessageAppended(message=message) for message in said])
    log.close()


def measure(command: list[str]) -> tuple[float, float]:
    """Wall time and processor time of one run, in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1000, spent * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    gptoss = [sys.executable, "-m", "gptoss"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "gptoss --version": [*gptoss, "--version"],
        "gptoss sessions list": [*gptoss, "sessions", "list"],
        "gptoss export --format md": [*gptoss, "export", "session-7", "--format", "md"],
        "gptoss export --format json": [*gptoss, "export", "session-7", "--format", "json"],
        "gptoss sessions show": [*gptoss, "sessions", "show", "session-7"],
    }
    with tempfile.TemporaryDirectory() as home:
        os.environ["GPTOSS_HOME"] = home
        for name in ("GPTOSS_DATABASE_URL", "PYTHONDONTWRITEBYTECODE"):
            os.environ.pop(name, None)
        fill(Path(home) / "gptoss.db")
        for command in commands.values():  # compiled and cached once
            measure(command)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                taken[name].append(measure(command))
    floors = [min(column) for column in zip(*taken["python -c pass"], strict=True)]
    medians = [statistics.median(column) for column in zip(*taken["python -c pass"], strict=True)]
    print(f"{'command':<30} {'wall min':>9} {'ratio':>6} {'median':>9} {'ratio':>6} {'cpu min':>9} {'ratio':>6}")
    for name, figures in taken.items():
        walls, spent = zip(*figures, strict=True)
        middle = statistics.median(walls)
        print(
            f"{name:<30} {min(walls):>6.1f} ms {min(walls) / floors[0]:>6.2f} {middle:>6.1f} ms"
            f" {middle / medians[0]:>6.2f} {min(spent):>6.1f} ms {min(spent) / floors[1]:>6.2f}"
        )


if __name__ == "__main__":
    main()
