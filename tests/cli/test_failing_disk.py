"""The disk fails while a model answers: one sentence, and the session goes on when the disk does."""

import errno
import json
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.events import MessageAppended
from gptoss.storage.opening import open_for_reading
from tests.cli.conftest import Run, driver, greeting
from tests.storage.failing_disk import FailingDisk, needs_failing_disk


@needs_failing_disk
@pytest.mark.parametrize(
    ("error", "sentence"),
    [(errno.ENOSPC, "gptoss.db is full: free some space"), (errno.EIO, "gptoss.db reported an error")],
    ids=["full", "broken"],
)
def test_an_answer_goes_on_when_the_disk_does(
    environment: dict[str, str], gptoss: Run, tmp_path: Path, error: int, sentence: str
) -> None:
    disk = FailingDisk.create(tmp_path / "control")
    answer = "word " * 200
    command, variables = driver(environment | disk.environment(), [greeting(answer)], delay=0.01)
    with subprocess.Popen(
        [*command, "chat", "--session", "a", "--json", "Hello"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = []
        for line in process.stdout:
            told.append(json.loads(line))
            if told[-1] == {"type": "text", "text": "word"}:
                disk.begin(0, error, lasting=True)
        problem = process.stderr.read().decode()
    assert process.returncode == 1
    assert disk.end() > 0
    assert sentence in problem
    assert problem.count("\n") == 1
    acknowledged = [line["seq"] for line in told if line["type"] == "event"]
    with closing(open_for_reading(Path(environment["GPTOSS_HOME"]) / "gptoss.db")) as log:
        assert log.branch(log.session("a").branch).head >= max(acknowledged)

    finished = gptoss("chat", "--session", "a", replies=[greeting(answer)])
    assert (finished.returncode, finished.stdout.strip()) == (0, answer.strip())
    assert "sound" in gptoss("verify", "a").stdout
    with closing(open_for_reading(Path(environment["GPTOSS_HOME"]) / "gptoss.db")) as log:
        events = [stored.event for stored in log.read(log.session("a").branch)]
    assert sum(isinstance(event, MessageAppended) and event.message.role == "user" for event in events) == 1
