"""Kill the real program at random moments and see that nothing is lost.

One *trial* asks a session something, kills the process with SIGKILL while it answers, goes on in a new process, kills
that one too, and so on until an answer is complete. After every kill the log must hold all that it held before and
fold; in the end the tokens must be those of a run that nobody disturbed.
"""

import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from gptoss.engine.events import GenerationFinished, StoredEvent
from gptoss.engine.reducer import fold
from gptoss.storage.opening import open_for_reading

PATIENCE = 120.0
"""Seconds after which a process that shows no sign of life counts as hung."""


class Program:
    """`gptoss chat` in a home of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self._options = options
        self._environment = {**os.environ, "GPTOSS_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self._environment.pop("GPTOSS_CHECKPOINT", None)

    def start(self, session: str, prompt: str | None) -> subprocess.Popen[bytes]:
        """Ask, or without a prompt go on with what is unfinished."""
        words = ["chat", "--session", session, *self._options, *([prompt] if prompt else [])]
        return subprocess.Popen(
            [sys.executable, "-m", "gptoss", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment,
        )

    def finish(self, session: str, prompt: str | None) -> str:
        """Let it run to its end; the answer."""
        process = self.start(session, prompt)
        out, err = process.communicate(timeout=PATIENCE)
        if process.returncode not in (0, 1):  # 1: a random model may end its turn without an answer
            raise AssertionError(f"exit {process.returncode}: {err.decode()}")
        return out.decode()

    def run(self, *words: str) -> str:
        """Any command; what it printed. A failure raises."""
        done = subprocess.run(
            [sys.executable, "-m", "gptoss", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self._environment,
            timeout=PATIENCE,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"exit {done.returncode}: {done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def history(self, session: str) -> list[StoredEvent]:
        """All events of the session's current branch; reading them checks the hash chain."""
        database = self.home / "gptoss.db"
        log = open_for_reading(database)
        try:
            return list(log.read(log.session(session).branch))
        finally:
            log.close()


class Trial(NamedTuple):
    """What a trial came to: `kills` before the answer was complete, `same` as the undisturbed run token by token."""

    kills: int
    same: bool
    tokens: int


def tokens_of(history: list[StoredEvent]) -> tuple[int, ...]:
    generation = fold(history).generation if history else None
    return () if generation is None else generation.ids[:]


def trial(
    program: Program, session: str, prompt: str, expected: tuple[int, ...], most: int, dice: random.Random
) -> Trial:
    """At most `most` kills; then it may finish."""
    kills = 0
    known: list[StoredEvent] = []
    pending: str | None = prompt
    while kills < most:
        process = program.start(session, pending)
        killed = _kill_at_random(process, dice)
        history = program.history(session)
        if [(stored.seq, stored.hash) for stored in history[: len(known)]] != [(s.seq, s.hash) for s in known]:
            raise AssertionError(f"{session}: the log lost or changed events that it had held")
        if tokens_of(history)[: len(tokens_of(known))] != tokens_of(known):
            raise AssertionError(f"{session}: tokens that were in the log are gone")
        known, pending = history, None
        kills += killed
        if not killed or _is_complete(history):
            break
    else:
        program.finish(session, None)
    sampled = tokens_of(program.history(session))
    return Trial(kills, sampled == expected, len(sampled))


def _is_complete(history: list[StoredEvent]) -> bool:
    """Whether the last thing that happened is the end of an answer, which the kill came too late for."""
    last = history[-1].event
    return isinstance(last, GenerationFinished) and last.reason in ("stop", "length")


def _kill_at_random(process: subprocess.Popen[bytes], dice: random.Random) -> bool:
    """SIGKILL at a random moment after the answer began to show; False when the process was done before."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    _wait_for_output(process, streams)
    until = time.monotonic() + dice.random() ** 2 * 1.5
    while time.monotonic() < until and process.poll() is None:
        ready, _, _ = select.select(streams, [], [], 0.005)
        for stream in ready:
            if not os.read(stream.fileno(), 65536):
                streams.remove(stream)
    done = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return not done


def _wait_for_output(process: subprocess.Popen[bytes], streams: list[object]) -> None:
    ready, _, _ = select.select(streams, [], [], PATIENCE)
    if not ready:
        process.kill()
        raise AssertionError("the program showed nothing")
