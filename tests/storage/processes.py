"""Starts `tests.storage.worker`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storage.worker", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(worker: subprocess.Popen[str]) -> list[str]:
    """What a worker that has come to its end said."""
    out, err = worker.communicate(timeout=120)
    assert worker.returncode == 0, err
    return out.splitlines()
