"""A kernel's folder goes with its process, and if that is killed, with the next one's."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptoss.tools.python.scratch import Scratch

MAKES = "from gptoss.tools.python.scratch import Scratch\nscratch = Scratch()\nprint(scratch.path, flush=True)\ninput()"


@pytest.fixture(autouse=True)
def _temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory(dir="/tmp") as short:  # else a path may be too long for a socket
        monkeypatch.setenv("TMPDIR", short)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield


def test_it_goes_when_it_is_closed() -> None:
    scratch = Scratch()
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    scratch.close()
    scratch.close()
    assert not scratch.path.exists()


def test_what_a_killed_process_left_goes_and_what_another_uses_stays() -> None:
    mine = Scratch()
    process = subprocess.Popen([sys.executable, "-c", MAKES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    theirs = Path(process.stdout.readline().strip())
    (theirs / "run").mkdir()
    unfinished = mine.path.parent / "gptoss-kernel-unfinished"
    unfinished.mkdir()
    Scratch().close()
    assert mine.path.exists()
    assert theirs.exists()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert theirs.exists()
    Scratch().close()
    assert not theirs.exists()
    assert mine.path.exists()
    assert unfinished.exists()
    mine.close()
