"""What a newcomer does first, with the model that ships: chat, leave, come back, be remembered."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.survival import Program, tokens_of, trial
from tests.tools.python.notebooks import needs_sandbox

READY = "\x1b[?2004h"


@pytest.fixture
def home(environment: dict[str, str], embedded: Path) -> Path:
    folder = Path(environment["GPTOSS_HOME"])
    folder.mkdir()
    (folder / "cache").symlink_to(embedded)
    return folder


def answer(environment: dict[str, str], *arguments: str) -> str:
    """The answer to one question, asked in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "gptoss", "chat", "--temperature", "0", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_remembers_a_name_in_another_process(environment: dict[str, str], home: Path) -> None:
    assert "Ada" in answer(environment, "--session", "a", "My name is Ada.")
    assert "Ada" in answer(environment, "--session", "a", "What is my name?")


@needs_sandbox
def test_it_calculates_with_python_in_the_sandbox(environment: dict[str, str], home: Path) -> None:
    assert "666" in answer(environment, "-p", "--session", "a", "What is 37 * 18?")
    exported = subprocess.run(
        [sys.executable, "-m", "gptoss", "export", "a", "--format", "json"],
        env=environment,
        capture_output=True,
        check=True,
    )
    called = json.loads(exported.stdout)
    assert [(call["recipient"], call["outcome"]) for call in called["tool_calls"]] == [("python", "ok")]
    assert "666" in [message["content"] for message in called["messages"] if message["role"] == "tool"]


def test_it_creates_and_edits_a_file(environment: dict[str, str], home: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    options = ("--session", "a", "-a", "--workspace", str(workspace))
    answer(environment, *options, "Create notes.txt with the lines milk and eggs.")
    assert (workspace / "notes.txt").read_text() == "milk\neggs\n"
    answer(environment, *options, "In notes.txt replace milk with bread.")
    assert (workspace / "notes.txt").read_text() == "bread\neggs\n"


def test_it_searches_opens_and_cites(environment: dict[str, str], home: Path, notes: Path) -> None:
    said = answer(environment, "-b", "--browser-source", str(notes), "Search for dragon boats.")
    assert "[1]" in said
    assert "boat" in said


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "dragon-boats.md").write_text(
        "# Dragon boats\n\nA dragon boat is a long narrow boat.\n\n"
        "The boat is 12 metres long. It is paddled by 20 people.\n"
    )
    (folder / "tea.md").write_text("# Tea\n\nGreen tea is brewed at 80 degrees.\n")
    return folder


def test_one_dialogue_uses_all_three_tools(
    environment: dict[str, str], home: Path, notes: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    child = pexpect.spawn(
        sys.executable,
        [
            "-m",
            "gptoss",
            "chat",
            "--session",
            "a",
            "--temperature",
            "0",
            "-p",
            "-a",
            "-b",
            "--workspace",
            str(workspace),
            "--browser-source",
            str(notes),
        ],
        env=environment | {"PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=300,
        dimensions=(40, 100),
    )
    for question, seen in (
        ("What is 37 * 18?", "= 666"),
        ("Create a file hello.txt that says hello.", "hello.txt"),
        ("Search for dragon boats.", "[1] "),
    ):
        child.expect_exact(READY)
        child.send(question + "\r")
        child.expect_exact(seen)
    child.expect_exact(READY)
    child.send("\x04")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert (workspace / "hello.txt").read_text() == "hello\n"


def test_a_dialogue_that_is_taken_up_again(environment: dict[str, str], home: Path) -> None:
    def open_() -> "pexpect.spawn[str]":
        return pexpect.spawn(
            sys.executable,
            ["-m", "gptoss", "chat", "--session", "a", "--temperature", "0"],
            env=environment | {"PROMPT_TOOLKIT_NO_CPR": "1"},
            encoding="utf-8",
            timeout=300,
            dimensions=(30, 100),
        )

    child = open_()
    child.expect_exact(READY)
    child.send("My name is Ada.\r")
    child.expect_exact("thinking")
    child.expect_exact(READY)
    child.send("\x04")
    child.expect(pexpect.EOF)
    child = open_()
    child.expect_exact("> My name is Ada.")
    child.expect_exact(READY)
    child.send("What is my name?\r")
    child.expect_exact("thinking")
    child.expect(r"\n[^\n]*Ada")
    child.expect_exact(READY)
    child.send("\x04")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_kills_change_nothing(home: Path) -> None:
    """The answer that three processes gave until they were killed is the one that one process gives."""
    question = "What can you do?"
    program = Program(home, "--seed", "3", "-r", "high")
    program.finish("calm", question)
    expected = tokens_of(program.history("calm"))
    assert expected
    result = trial(program, "killed", question, expected, 3, random.Random(3))
    assert result.same
