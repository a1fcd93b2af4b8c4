"""Kill the real program at random moments and see that nothing is lost.

One *trial* asks a session something, kills the process with SIGKILL while it answers or runs a tool, goes on in a new
process, kills that one too, and so on until an answer is complete. After every kill the log must hold all that it held
before and all that the process had said it holds (`--json` tells of an event once it is in the log), and fold.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gptoss.engine.conversation import next_step
from gptoss.engine.errors import SessionNotFound
from gptoss.engine.events import GenerationFinished, MessageAppended, StoredEvent, ToolCalled, ToolReturned
from gptoss.engine.reducer import fold
from gptoss.storage.opening import open_for_reading

PATIENCE = 900.0
"""Seconds after which a process that shows no sign of life counts as hung."""

EARLY = 0.2
"""The share of kills that come within so many seconds of a process's start, whether it has shown anything or not."""
EARLY_SECONDS = 4.0


class Program:
    """`gptoss chat` in a home of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self._options = options
        self._environment = {**os.environ, "GPTOSS_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self._environment.pop("GPTOSS_CHECKPOINT", None)

    def start(self, session: str, prompt: str | None, *more: str) -> subprocess.Popen[bytes]:
        """Ask, or without a prompt go on with what is unfinished."""
        words = ["chat", "--session", session, *self._options, *more, *([prompt] if prompt else [])]
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
        """All events of the session's current branch, none if it is not there; reading checks the hash chain."""
        with closing(open_for_reading(self.home / "gptoss.db")) as log:
            try:
                branch = log.session(session).branch
            except SessionNotFound:
                return []
            return list(log.read(branch))


class Trial(NamedTuple):
    """What a trial came to: `kills` before the answer was complete, `same` as the undisturbed run token by token."""

    kills: int
    same: bool
    tokens: int


class ToolTrial(NamedTuple):
    """What a trial with tools came to: of its `calls`, `cut` were under way when the process was killed."""

    kills: int
    calls: int
    cut: int


def tokens_of(history: list[StoredEvent]) -> tuple[int, ...]:
    generation = fold(history).generation if history else None
    return () if generation is None else generation.ids[:]


def trial(
    program: Program, session: str, prompt: str, expected: tuple[int, ...], most: int, dice: random.Random
) -> Trial:
    """At most `most` kills; then it may finish. `expected` are the tokens of a run that nobody disturbed."""
    kills = killed_while_answering(program, session, prompt, most, dice)
    sampled = tokens_of(program.history(session))
    return Trial(kills, sampled == expected, len(sampled))


def tool_trial(program: Program, session: str, prompt: str, most: int, dice: random.Random) -> ToolTrial:
    """The same for a turn with tools. No call is run twice, and each has its result.

    What a tool said when it was cut off is another thing than what it would have said, so the answer may differ.
    """
    kills = killed_while_answering(program, session, prompt, most, dice, longest=6.0)
    history = program.history(session)
    calls = {stored.seq: stored.event for stored in history if isinstance(stored.event, ToolCalled)}
    returned = [stored.event for stored in history if isinstance(stored.event, ToolReturned)]
    if len({call.message for call in calls.values()}) != len(calls):
        raise AssertionError(f"{session}: a call was run twice")
    if [result.call for result in returned] != list(calls):
        raise AssertionError(f"{session}: the calls {list(calls)} have the results {returned}")
    return ToolTrial(kills, len(calls), sum(result.outcome == "crashed" for result in returned))


def killed_while_answering(
    program: Program, session: str, prompt: str, most: int, dice: random.Random, *, longest: float = 1.5
) -> int:
    """Ask, and kill whoever answers, at most `most` times and `longest` seconds after it began; then it may finish.

    How often it was killed. AssertionError when something is lost.
    """
    kills = 0
    known: list[StoredEvent] = []
    pending: str | None = prompt
    while kills < most:
        killed, said = _kill_at_random(program.start(session, pending, "--json"), longest, dice)
        history = program.history(session)
        if history[: len(known)] != known:
            raise AssertionError(f"{session}: the log lost or changed events that it had held")
        if tokens_of(history)[: len(tokens_of(known))] != tokens_of(known) and not _has_new_generation(known, history):
            raise AssertionError(f"{session}: tokens that were in the log are gone")
        for line in said:
            if line != _told(history, line["seq"]):
                raise AssertionError(f"{session}: the log does not hold what was acknowledged: {line}")
        kills += killed
        known = history
        pending = None if any(isinstance(stored.event, MessageAppended) for stored in history) else prompt
        if not killed or _is_complete(history):
            break
    if not _is_complete(known):
        program.finish(session, pending)
    return kills


def _told(history: list[StoredEvent], seq: int) -> dict[str, Any] | None:
    """What `--json` says of an event, but for its time."""
    if len(history) < seq:
        return None
    event = history[seq - 1].event
    return {"type": "event", "seq": seq, "kind": event.kind, "event": msgspec.json.decode(msgspec.json.encode(event))}


def _has_new_generation(before: list[StoredEvent], after: list[StoredEvent]) -> bool:
    """Whether a generation began that continues none."""
    one, other = (fold(history).generation if history else None for history in (before, after))
    return other is not None and (one is None or one.origin != other.origin)


def _is_complete(history: list[StoredEvent]) -> bool:
    """Whether a turn has come to its end, which the kill came too late for."""
    if not history or not isinstance(history[-1].event, GenerationFinished):
        return False
    return history[-1].event.reason == "length" or (
        history[-1].event.reason == "stop" and next_step(fold(history)) is None
    )


def _kill_at_random(
    process: subprocess.Popen[bytes], longest: float, dice: random.Random
) -> tuple[bool, list[dict[str, Any]]]:
    """SIGKILL at a random moment, mostly after the answer began to show.

    Whether the process had not come to its end by itself, and the events that it has told of.
    """
    if dice.random() < EARLY:
        until = time.monotonic() + dice.random() * EARLY_SECONDS
    else:
        _wait_for_output(process)
        until = time.monotonic() + dice.random() ** 2 * longest
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.005)  # a pipe holds more than a short answer
    done = process.poll() is not None
    process.send_signal(signal.SIGKILL)
    out, err = process.communicate()
    if done and process.returncode not in (0, 1):
        raise AssertionError(f"exit {process.returncode}: {err.decode()}")
    lines = [json.loads(line) for line in out.split(b"\n")[:-1]]  # the kill may have cut the last one
    return not done, [
        {key: value for key, value in line.items() if key != "time"} for line in lines if line["type"] == "event"
    ]


def _wait_for_output(process: subprocess.Popen[bytes]) -> None:
    ready, _, _ = select.select([process.stdout, process.stderr], [], [], PATIENCE)
    if not ready:
        process.kill()
        raise AssertionError("the program showed nothing")
