"""Runs the command line as a process of its own, over a home folder of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pexpect
import pytest

from gptoss.backends.demo.materialise import materialise
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import VARIABLE
from tests.cli.terminals import Open

Result = subprocess.CompletedProcess[str]
Run = Callable[..., Result]


def greeting(answer: str, reasoning: str = "The user speaks.") -> str:
    """A reply in Harmony: some reasoning and an answer."""
    return (
        f"<|channel|>analysis<|message|>{reasoning}<|end|>"
        f"<|start|>assistant<|channel|>final<|message|>{answer}<|return|>"
    )


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory, harmony: Harmony) -> dict[str, str]:
    """An environment without anything of ours but the vocabulary, which `harmony` has unpacked already."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GPTOSS_", "DRIVER_", "EXA_"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"):
        kept.pop(name, None)
    return kept | {
        VARIABLE: str(tmp_path_factory.getbasetemp() / "cache" / "vocabulary"),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "100",
        "LINES": "30",
    }


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the embedded model, unpacked once for all tests."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    materialise(cache)
    return cache


@pytest.fixture
def environment(clean: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The same with a home folder, `tmp_path / "home"`, which does not exist yet."""
    return clean | {"GPTOSS_HOME": str(tmp_path / "home")}


def driver(
    environment: dict[str, str], replies: Sequence[str] = (), delay: float = 0.0
) -> tuple[list[str], dict[str, str]]:
    """The command that runs `tests.cli.driver`, and its environment."""
    script = {"DRIVER_REPLIES": json.dumps(list(replies)), "DRIVER_DELAY": str(delay)}
    return [sys.executable, "-m", "tests.cli.driver"], environment | script


@pytest.fixture(scope="session")
def recorded(clean: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the session "a", in which the user said "Hi" and the model "Hello!"."""
    home = tmp_path_factory.mktemp("recorded")
    command, variables = driver(clean | {"GPTOSS_HOME": str(home)}, [greeting("Hello!")])
    subprocess.run(
        [*command, "chat", "--session", "a", "Hi"], env=variables, input=b"", capture_output=True, check=True
    )
    return home / "gptoss.db"


@pytest.fixture
def database(recorded: Path, environment: dict[str, str]) -> Path:
    """That database, to be used and spoilt, in the home folder."""
    home = Path(environment["GPTOSS_HOME"])
    home.mkdir()
    return Path(shutil.copy(recorded, home / recorded.name))


@pytest.fixture
def gptoss(environment: dict[str, str]) -> Run:
    """Run a command line over a scripted model to its end: `gptoss("chat", "Hello", replies=[...])`."""

    def run(
        *arguments: str,
        replies: Sequence[str] = (),
        piped: str | bytes = "",
        env: dict[str, str] | None = None,
    ) -> Result:
        command, variables = driver(environment | (env or {}), replies)
        done = subprocess.run(
            [*command, *arguments],
            env=variables,
            input=piped if isinstance(piped, bytes) else piped.encode(),
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Result(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Open]:
    """Open `gptoss chat` in a terminal: `terminal("--session", "a", replies=[...])`."""
    opened: list[pexpect.spawn[str]] = []

    def open_(
        *arguments: str, replies: Sequence[str] = (), delay: float = 0.0, env: dict[str, str] | None = None
    ) -> "pexpect.spawn[str]":
        (python, *command), variables = driver(environment | (env or {}), replies, delay)
        child = pexpect.spawn(
            python,
            [*command, "chat", *arguments],
            env=variables | {"PROMPT_TOOLKIT_NO_CPR": "1"},  # nobody is there to say where the cursor is
            encoding="utf-8",
            timeout=60,
            dimensions=(30, 100),
        )
        opened.append(child)
        return child

    yield open_
    for child in opened:
        child.close(force=True)
