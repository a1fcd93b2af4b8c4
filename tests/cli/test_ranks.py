"""`torchrun --nproc-per-node N -m gptoss`: real ranks, a real terminal, real signals."""

import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from gptoss.engine.reducer import fold
from tests.cli.terminals import CTRL_C, CTRL_D, ENTER, PROMPT, plain, say
from tests.cli.torchrun import history, ranks

GOODBYE = "nothing that was said is lost: start again, on any number of ranks"


@pytest.fixture
def environment(clean: dict[str, str], embedded: Path, tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "cache").symlink_to(embedded)
    return clean | {"GPTOSS_HOME": str(home)}


def alone(environment: dict[str, str], *arguments: str) -> str:
    """The same command on one process, without torchrun; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "gptoss", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=True,
    )
    return done.stdout.decode()


def test_two_ranks_chat_in_a_terminal(environment: dict[str, str]) -> None:
    """With tools, Ctrl-C and Ctrl-D; one process goes on, and four answer after it."""
    with ranks(2, environment, "chat", "--session", "a", "--python", "-r", "high") as two:
        say(two.child, "My name is Ada.")
        two.child.expect("Ada!")
        say(two.child, "Use Python to compute 12 * 34.")
        two.child.expect("408")
        say(two.child, "How do I export a session?")
        two.child.expect("thinking")
        two.child.send(CTRL_C)
        two.child.expect("goes on")
        two.child.expect_exact(PROMPT)
        two.child.send(CTRL_D)
        two.child.expect("To come back: gptoss chat --session a")
        assert "FAILED" not in two.rest()
        assert two.child.exitstatus == 0
        two.gone_within(10)
    home = Path(environment["GPTOSS_HOME"])
    assert not (home / "history").exists()
    assert "Ada" in alone(environment, "chat", "--session", "a", "What is my name?")
    with ranks(4, environment, "chat", "--session", "a", "What is my name?", piped=True) as four:
        assert "Your name is Ada." in four.rest()
        assert four.child.exitstatus == 0
        four.gone_within(10)
    assert "0 differ" in alone(environment, "replay", "a", "--rerun")
    assert "sound" in alone(environment, "verify", "a")


@pytest.mark.parametrize("victim", ["rank 0", "its relay", "rank 1", "torchrun"])
def test_whoever_is_killed_takes_all_with_it(environment: dict[str, str], victim: str) -> None:
    with ranks(2, environment, "chat", "--session", "a", "-r", "high") as two:
        mode = termios.tcgetattr(two.child.child_fd)
        say(two.child, "My name is Ada. What can you do?")
        two.child.expect("thinking")
        pids = {"rank 0": two.rank(0), "its relay": two.relay(), "rank 1": two.rank(1), "torchrun": two.child.pid}
        os.kill(pids[victim], signal.SIGKILL)
        two.gone_within(10)
        assert termios.tcgetattr(two.child.child_fd) == mode
        shown = " ".join(two.rest().split())
        assert shown.count(GOODBYE) == (victim != "torchrun")
    state = fold(history(two.home, "a"))
    assert state.entries[0].message.content == "My name is Ada. What can you do?"
    assert state.generation is not None


def test_a_number_that_does_not_divide_the_model_is_refused(environment: dict[str, str]) -> None:
    with ranks(3, environment, "chat", "Hi", piped=True) as three:
        shown = " ".join(three.rest().split())
        assert "3 ranks cannot share this model" in shown
        assert "start 1, 2, 4 or 6" in shown
        assert three.child.exitstatus == 1
        three.gone_within(10)


def test_one_rank_is_a_process_like_any_other(environment: dict[str, str]) -> None:
    """Ctrl-C included, which would end torchrun."""
    with ranks(1, environment, "chat", "--session", "a", "-r", "high") as one:
        say(one.child, "How do I export a session?")
        one.child.expect("thinking")
        one.child.send(CTRL_C)
        one.child.expect("goes on")
        one.child.expect_exact(PROMPT)
        one.child.send("/exit" + ENTER)
        assert "FAILED" not in plain(one.rest())
        assert one.child.exitstatus == 0
