"""Remarks on how far something has come, and who makes them."""

import shutil
import sys
from pathlib import Path

import pexpect
import pytest

from gptoss.backends.torch.generator import TorchGenerator
from gptoss.cli.progress import Remark, bytes_of, duration, tokens_of
from tests.cli.conftest import Run
from tests.cli.terminals import leave, say

HISTORY = Path(__file__).parents[1] / "histories" / "schema-0001" / "whole.db"


@pytest.fixture
def shown() -> list[str]:
    return []


def test_it_says_how_much_is_done_and_how_long_it_will_take(shown: list[str]) -> None:
    times = iter([0.0, 0.5, 0.55, 2.0, 4.0])
    remark = Remark("loading", shown.append, bytes_of, lambda: next(times))
    for done in (1_000_000, 1_100_000, 2_000_000, 4_000_000):
        remark(done, 4_000_000)
    assert shown == [
        "loading: 1.0 MB of 4.0 MB",  # too early to know how long it will take
        "loading: 2.0 MB of 4.0 MB, 2 s left",  # the one in between came too soon after the first
        "loading: 4.0 MB of 4.0 MB",
    ]


def test_wording() -> None:
    assert tokens_of(240, 4_270) == "240 of 4,270 tokens"
    assert [duration(seconds) for seconds in (0.2, 59.4, 61, 200)] == ["1 s", "59 s", "1 min 1 s", "3 min 20 s"]


def test_loading_tells_every_byte(embedded: Path) -> None:
    (folder,) = (each for each in embedded.iterdir() if each.name.startswith("gptoss-demo"))
    told: list[tuple[int, int]] = []
    TorchGenerator(folder, kernels="none", progress=lambda done, whole: told.append((done, whole))).close()
    assert sorted(told) == told
    done, whole = told[-1]
    assert whole == (folder / "model.safetensors").stat().st_size
    assert whole - 100_000 < done <= whole  # all but the header


def _terminal(environment: dict[str, str], *arguments: str) -> "pexpect.spawn[str]":
    return pexpect.spawn(
        sys.executable,
        ["-m", "gptoss", *arguments],
        env=environment | {"PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=60,
        dimensions=(30, 100),
    )


def test_a_migration_is_told_at_a_terminal_and_nowhere_else(
    environment: dict[str, str], gptoss: Run, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(HISTORY, home / "gptoss.db")
    child = _terminal(environment, "sessions", "list")
    child.expect(r"bringing the database to the newest schema, a backup first: [\d.]+ kB of [\d.]+ kB")
    child.expect_exact("\r\x1b[2K")
    child.expect_exact("LAST USED")
    child.expect(pexpect.EOF)
    shutil.copy(HISTORY, home / "gptoss.db")
    assert gptoss("sessions", "list").stderr == ""


def test_a_long_prompt_is_told_while_it_is_read(environment: dict[str, str], embedded: Path) -> None:
    """With the embedded model, which reads 256 tokens at a time on a CPU; what it has read before does not count."""
    home = Path(environment["GPTOSS_HOME"])
    home.mkdir()
    (home / "cache").symlink_to(embedded)
    child = _terminal(environment, "chat", "--session", "a", "--max-tokens", "8")
    say(child, "word " * 300)
    child.expect(r"reading the conversation: 256 of (\d+) tokens")
    assert child.match
    assert 300 < int(child.match.group(1)) < 500
    say(child, "more " * 260)
    child.expect(r"reading the conversation: 256 of (\d+) tokens")
    assert child.match
    assert 260 < int(child.match.group(1)) < 320
    leave(child)
