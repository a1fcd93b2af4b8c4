"""End `torchrun -m gptoss chat` in every way, at random moments: `python -m benchmarks.ranks_killed --trials 100`.

One conversation with the embedded model goes on through all trials. Each starts it on two or four ranks, which go on
with the answer that the trial before cut off; asks something; and after a random time ends it in one of `WAYS`. Then no
process may be left, and the log must hold all that it held before, chain and fold included. In the end one process
samples every generation again, of which none may differ.

Prints how long the ranks took to end, and a table: way, trials, median and longest seconds, and how many took more than
10 seconds, which counts as hung.
"""

import argparse
import os
import random
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pexpect

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.events import StoredEvent
from gptoss.engine.generations import recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.reducer import fold
from gptoss.engine.rerunning import rerun
from tests.cli.terminals import CTRL_C, CTRL_D, ENTER, PROMPT
from tests.cli.torchrun import Ranks, history, ranks

QUESTIONS = [
    "My name is Ada. What can you do?",
    "How do I export a session?",
    "What is my name?",
    "Tell me about yourself.",
]

WAYS = {
    "rank 0 killed": lambda run: os.kill(run.rank(0), signal.SIGKILL),
    "another rank killed": lambda run: os.kill(run.rank(run.count - 1), signal.SIGKILL),
    "the relay killed": lambda run: os.kill(run.relay(), signal.SIGKILL),
    "torchrun killed": lambda run: os.kill(run.child.pid, signal.SIGKILL),
    "SIGTERM to torchrun": lambda run: os.kill(run.child.pid, signal.SIGTERM),
    "SIGINT to torchrun": lambda run: os.kill(run.child.pid, signal.SIGINT),
    "the window closed": lambda run: close(run),
    "Ctrl-C, Ctrl-D": lambda run: leave(run, 1),
    "Ctrl-C twice": lambda run: leave(run, 2),
    "Ctrl-D": lambda run: leave(run, 0),
}
PATIENCE = 10.0
"""Seconds after which ranks that have not ended count as hung."""

_MOST = 60.0
"""Seconds after which the benchmark itself gives up."""


def close(run: Ranks) -> None:
    with suppress(pexpect.ExceptionPexpect):  # it wants to see the end of torchrun at once
        run.child.close(force=False)


def leave(run: Ranks, presses: int) -> None:
    for _ in range(presses):
        run.child.send(CTRL_C)
        time.sleep(0.05)
    # A whole answer may come first; and where it ended just before, even a second Ctrl-C only leads to the next prompt.
    if run.child.expect_exact([PROMPT, pexpect.EOF], timeout=120) == 0:
        run.child.send(CTRL_D)


def trial(number: int, run: Ranks, way: str, dice: random.Random) -> float:
    """Seconds from the end's cause to the end of the last process."""
    # Whatever an earlier trial cut off is answered before the prompt comes.
    run.child.expect_exact(PROMPT, timeout=180)
    idle = dice.random() < 0.15
    if not idle:
        run.child.send(QUESTIONS[number % len(QUESTIONS)] + ENTER)
        with suppress(pexpect.TIMEOUT):  # read on, or else the terminal is full
            run.child.expect_exact(PROMPT, timeout=dice.random() ** 2 * 4)
            idle = True
    started = time.monotonic()
    if idle and way.startswith("Ctrl"):
        run.child.send(CTRL_D)
    else:
        WAYS[way](run)
        if way.startswith("Ctrl"):
            started = time.monotonic()  # the answer was waited for
    waited = time.monotonic() - started
    return waited + run.gone_within(_MOST)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=4, help="ranks")
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    took: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        checkpoint = materialise(home / "cache")
        environment = {**os.environ, "GPTOSS_HOME": str(home), "TERM": "xterm-256color"}
        known: list[StoredEvent] = []
        for number in range(arguments.trials):
            way = list(WAYS)[number % len(WAYS)]
            count = dice.choice([n for n in (2, 2, 4) if n <= arguments.most])
            with ranks(count, environment, "chat", "--session", "a", "-r", "high") as run:
                seconds = trial(number, run, way, dice)
            took[way].append(seconds)
            events = history(home, "a") if (home / "gptoss.db").exists() else []
            if events[: len(known)] != known:
                raise SystemExit(f"trial {number}: the log lost or changed events that it had held")
            fold(events)
            known = events
            print(f"{number + 1:4} {count} ranks, {way}: {seconds:.1f} s, {len(events)} events", flush=True)
        for way, seconds in took.items():
            if seconds:
                hung = sum(each > PATIENCE for each in seconds)
                middle = sorted(seconds)[len(seconds) // 2]
                print(f"| {way} | {len(seconds)} | {middle:.1f} | {max(seconds):.1f} | {hung} |")
        agree(known, checkpoint, Harmony.load(home / "cache"))


def agree(events: list[StoredEvent], checkpoint: Path, harmony: Harmony) -> None:
    """One process samples all of it again."""
    runs = list(rerun(recorded_generations(events, harmony), TorchGenerator(checkpoint, device="cpu"), lambda: False))
    different = sum(run.difference is not None for run in runs)
    reasons = [run.generation for run in runs]
    print(
        f"{len(reasons)} generations of {sum(run.tokens for run in runs)} tokens, sampled again by one process: "
        f"{different} differ"
    )


if __name__ == "__main__":
    main()
