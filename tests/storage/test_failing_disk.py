"""A disk that fails, at each of its calls in turn, under all that writes: nothing is lost, and it is said clearly."""

import os
import subprocess
import sys
from pathlib import Path

from tests.storage.failing_disk import FailingDisk, needs_failing_disk
from tests.storage.processes import ROOT


@needs_failing_disk
def test_nothing_is_lost_to_a_disk_that_fails(tmp_path: Path) -> None:
    disk = FailingDisk.create(tmp_path / "control")
    done = subprocess.run(
        [sys.executable, "-m", "tests.storage.enduring", tmp_path, disk.path],
        cwd=ROOT,
        env=os.environ | disk.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = [line.rsplit(maxsplit=2) for line in done.stdout.splitlines()]
    refused = {what: int(count) for what, _, count in told}
    assert len(refused) == 36
    # The disk did fail, and where it stays so nothing that is to last is acknowledged.
    for error in ("EIO", "ENOSPC"):
        assert all(refused[f"{error} True {what}"] for what in ("append", "append_tokens", "fork", "redact", "repair"))
