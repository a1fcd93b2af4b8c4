"""`gptoss chat --backend vllm` at a terminal and at its end; run where vLLM is installed, see `make test-vllm`."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pexpect
import pytest

pytest.importorskip("vllm")

READY = "\x1b[?2004h"


@pytest.fixture
def home(environment: dict[str, str], embedded: Path) -> dict[str, str]:
    folder = Path(environment["GPTOSS_HOME"])
    folder.mkdir()
    (folder / "cache").symlink_to(embedded)
    return environment | {"VLLM_CPU_KVCACHE_SPACE": "1", "PROMPT_TOOLKIT_NO_CPR": "1"}


def chat(environment: dict[str, str], *arguments: str, code: int = 0) -> str:
    """The answer of one chat in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "gptoss", "chat", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def descendants(root: int) -> set[int]:
    """The processes below one, as proc_pid_stat(5) tells them."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, new = set[int](), {root}
    while new:
        new = {pid for pid, parent in parents.items() if parent in new}
        found |= new
    return found


def alive(pids: set[int]) -> set[int]:
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z":
            running.add(pid)
    return running


def gone(pids: set[int], within: float) -> bool:
    end = time.monotonic() + within
    while alive(pids) and time.monotonic() < end:
        time.sleep(0.1)
    return not alive(pids)


def test_a_dialogue_with_interruptions_leaves_no_process(home: dict[str, str]) -> None:
    """Ctrl-C stops an answer and not the engine, and whatever ends the chat ends the engine."""
    child = pexpect.spawn(
        sys.executable,
        ["-m", "gptoss", "chat", "--backend", "vllm", "--session", "a", "-r", "high"],
        env=home,
        encoding="utf-8",
        timeout=300,
        dimensions=(30, 100),
    )
    child.expect_exact(READY)
    child.timeout = 60
    child.send("What can you do?\r")
    child.expect_exact("thinking")
    child.send("\x03")
    child.expect_exact("/continue goes on")
    child.expect_exact(READY)
    child.send("/continue\r")
    child.expect("remember")
    child.expect_exact(READY)
    started = descendants(child.pid)
    assert len(started) >= 2, "the engine and its worker"
    os.kill(child.pid, signal.SIGKILL)
    assert gone(started, within=10)
    child.close()


def test_what_torch_began_goes_on_here_and_vllm_says_nothing_in_between(home: dict[str, str]) -> None:
    chat(home, "--session", "a", "--backend", "torch", "My name is Ada.")
    done = subprocess.run(
        [sys.executable, "-m", "gptoss", "chat", "--session", "a", "--backend", "vllm", "What is my name?"],
        env=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    assert "Ada" in done.stdout
    assert "vllm" not in (done.stdout + done.stderr).lower()
    assert "EngineCore" in (Path(home["GPTOSS_HOME"]) / "logs" / "vllm.log").read_text()
