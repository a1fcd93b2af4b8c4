"""What a shell completes: the protocol of each, and bash itself."""

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import Run, greeting

GPTOSS = Path(sys.executable).with_name("gptoss")


def _offered(environment: dict[str, str], line: str, *options: str) -> tuple[list[str], str]:
    """The words that bash is offered after a line, and what was said on standard error."""
    variables = {
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(f"{line}_".split()) - 1),
        "_GPTOSS_COMPLETE": "complete_bash",
    }
    command = [sys.executable, *options, "-m", "gptoss"]
    done = subprocess.run(command, env=environment | variables, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines(), done.stderr


@pytest.fixture
def home(database: Path, gptoss: Run) -> Path:
    """A home with the sessions "a", which has two branches, and "two words"."""
    gptoss("branch", "a", "--as", "other")
    gptoss("chat", "--session", "two words", "Hi", replies=[greeting("Hello!")])
    (database.parent / "config.toml").write_text("[profiles.work]\n[profiles.play]\n")
    return database.parent


def test_words_are_offered_without_loading_a_model(home: Path, environment: dict[str, str]) -> None:
    names, errors = _offered(environment, "gptoss sessions show ", "-X", "importtime")
    assert names == ["'two words'", "a"]
    assert "gptoss.storage" in errors
    assert not {"torch", "sqlalchemy", "openai_harmony"} & {line.split("|")[-1].strip() for line in errors.splitlines()}
    for line, words in {
        "gptoss chat --session t": ["'two words'"],
        "gptoss switch a ": ["main", "other"],
        "gptoss export a --branch o": ["other"],
        "gptoss export a --format j": ["json", "jsonl"],
        "gptoss chat --profile ": ["play", "work"],
    }.items():
        assert _offered(environment, line) == (words, "")
    for shell, offered in {"zsh": '"two words":"Hi"\n"a":"Hi"', "fish": "two words\tHi\na\tHi"}.items():
        variables = {"_TYPER_COMPLETE_ARGS": "gptoss tree ", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        variables["_GPTOSS_COMPLETE"] = f"complete_{shell}"
        done = subprocess.run([GPTOSS], env=environment | variables, capture_output=True, text=True, check=True)
        assert offered in done.stdout


def test_nothing_is_offered_and_nothing_said_where_something_is_wrong(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert _offered(environment, "gptoss sessions show ") == ([], "")
    assert not (tmp_path / "home").exists()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "gptoss.db").write_text("no database" * 1000)
    (tmp_path / "home" / "config.toml").write_text("no TOML")
    assert _offered(environment, "gptoss sessions show ") == ([], "")
    assert _offered(environment, "gptoss chat --profile ") == ([], "")


def test_bash(home: Path, environment: dict[str, str], tmp_path: Path) -> None:
    """Installed by the option, in a shell that knows nothing else."""
    variables = environment | {
        "HOME": str(tmp_path),
        "PATH": f"{GPTOSS.parent}:{os.environ['PATH']}",
        "INPUTRC": "/dev/null",
    }
    (tmp_path / ".bashrc").write_text("PS1='ready$ '\n")
    subprocess.run([GPTOSS, "--install-completion", "bash"], env=variables, capture_output=True, check=True)
    bash = pexpect.spawn(
        "bash", ["--noprofile", "--rcfile", str(tmp_path / ".bashrc")], env=variables, encoding="utf-8", timeout=60
    )
    bash.expect_exact("ready$ ")
    bash.send("gptoss sessions sh\t")
    bash.expect_exact("gptoss sessions show ")
    bash.send("tw\t")
    bash.expect_exact("'two words' ")
    bash.send("\r")
    bash.expect(r"begins with +.*Hi")
    bash.close(force=True)
