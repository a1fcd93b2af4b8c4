"""Kill at random moments, a thousand times: `python -m benchmarks.survive --kills 1000`.

answers     `gptoss chat` is killed again and again while it answers; the tokens must be those of an undisturbed run
tools       the same while it runs Python in its sandbox and patches files; no call runs twice, no patch is half-done
log         a process that appends, redacts, deletes, forks, searches, collects and repairs
migration   a process that brings a database of an older schema up to date

After each kill the log opens and holds all that had been acknowledged: see `tests.survival`, `tests.storage.killing`.
"""

import argparse
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from threading import Lock

from gptoss.backends.demo.materialise import materialise
from gptoss.engine.harmony import Harmony
from gptoss.engine.verification import verify
from gptoss.tools.apply_patch.journal import Journal
from gptoss.tools.apply_patch.recovering import recover
from tests.storage.killing import Maintenance, kill_migration
from tests.storage.test_golden import WHOLE
from tests.survival import Program, tokens_of, tool_trial, trial

QUESTIONS = (
    "My name is Ada. What can you do?",
    "How do I export a session?",
    "What is the capital of France?",
    "Tell me about yourself.",
)
PATCHES = {
    "Create notes.txt with the lines milk and eggs.": (None, "milk\neggs\n"),
    "In notes.txt replace milk with bread.": ("milk\neggs\n", "bread\neggs\n"),
}
"""What is asked, and what the file holds before and after."""

MOST = 10
"""Kills of one answer, of one question with tools, or of one database."""

Trial = Callable[[Path, random.Random], Counter[str]]
"""(a folder of its own, the dice) -> what it came to."""


class Trials:
    """One of each kind; the folder of the vocabulary and the unpacked model is shared."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._checkpoint = materialise(shared)
        self._harmony = Harmony.load(shared)

    def answers(self, folder: Path, dice: random.Random) -> Counter[str]:
        program = self._program(folder, dice, "--temperature", "1", "-r", "high", "--max-tokens", "400")
        question = dice.choice(QUESTIONS)
        program.finish("calm", question)
        result = trial(program, "killed", question, tokens_of(program.history("calm")), MOST, dice)
        self._verify(program, "killed")
        counts = {"kills": result.kills, "answers": 1, "tokens": result.tokens, "answers that differ": not result.same}
        return Counter(counts)

    def tools(self, folder: Path, dice: random.Random) -> Counter[str]:
        workspace = folder / "workspace"
        workspace.mkdir()
        program = self._program(folder, dice, "-p", "-a", "--workspace", str(workspace))
        file = workspace / "notes.txt"
        question, (before, after) = dice.choice([*PATCHES.items(), (None, (None, None))])
        if before is not None:
            file.write_text(before)
        asked = question or f"What is {dice.randint(2, 99)} * {dice.randint(2, 99)}?"
        result = tool_trial(program, "killed", asked, MOST, dice)
        self._verify(program, "killed")
        recover(Journal(folder / "patches"))  # as whoever starts next does
        found = file.read_text() if file.exists() else None
        if found not in (before, after) or len(list(workspace.iterdir())) > 1:
            raise AssertionError(f"{workspace} holds {list(workspace.iterdir())}, and the file {found!r}")
        _wait_for_the_end_of_all(str(folder))
        return Counter(kills=result.kills, calls=result.calls, **{"calls cut off": result.cut})

    def log(self, folder: Path, dice: random.Random) -> Counter[str]:
        maintenance = Maintenance(folder / "log.db")
        for _ in range(MOST):
            maintenance.kill(dice)
        return Counter(kills=MOST, acknowledged=maintenance.acknowledged)

    def migration(self, folder: Path, dice: random.Random) -> Counter[str]:
        (old,) = (path for path in WHOLE if path.parent.name == "schema-0001")
        for number in range(MOST):
            kill_migration(old, folder / f"{number}.db", dice)
        return Counter(kills=MOST)

    def _program(self, folder: Path, dice: random.Random, *options: str) -> Program:
        (folder / "cache").symlink_to(self._shared)
        options = ("--seed", str(dice.randrange(1 << 31)), *options)
        return Program(folder, "--checkpoint", str(self._checkpoint), *options)

    def _verify(self, program: Program, session: str) -> None:
        if drift := verify(program.history(session), self._harmony).drift:
            raise AssertionError(f"{session}: {drift}")


def _wait_for_the_end_of_all(folder: str, patience: float = 60) -> None:
    """No process is left that works in the folder: kernels end with whoever started them."""
    deadline = time.monotonic() + patience
    while left := [path for path in Path("/proc").glob("[0-9]*/cmdline") if folder in _read(path)]:
        if time.monotonic() > deadline:
            raise AssertionError(f"still running: {[_read(path) for path in left]}")
        time.sleep(0.1)


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


class Tally:
    """Which trial comes next, and what those before came to."""

    def __init__(self, wanted: Mapping[str, int], seed: int) -> None:
        self.sums: dict[str, Counter[str]] = {kind: Counter() for kind in wanted}
        self._wanted = wanted
        self._seed = seed
        self._lock = Lock()
        self._begun: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    def next(self) -> tuple[str, random.Random] | None:
        """The kind that is furthest behind, and its dice; None when there were kills enough, or soon will be."""
        with self._lock:
            shares = {
                kind: (self.sums[kind]["kills"] + MOST * self._running[kind]) / wanted
                for kind, wanted in self._wanted.items()
            }
            kind = min(shares, key=shares.__getitem__)
            if shares[kind] >= 1:
                return None
            self._begun[kind] += 1
            self._running[kind] += 1
            return kind, random.Random(f"{kind} {self._begun[kind]} {self._seed}")

    def add(self, kind: str, counts: Counter[str]) -> None:
        with self._lock:
            self._running[kind] -= 1
            self.sums[kind] += counts
            print(f"{time.strftime('%H:%M:%S')} {kind}: {self.told(kind)}", flush=True)

    def told(self, kind: str) -> str:
        return ", ".join(f"{count:,} {what}" for what, count in self.sums[kind].items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000, help="so many in all, or some more")
    parser.add_argument("--jobs", type=int, default=2, help="trials at once")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    shares = {"answers": 0.15, "tools": 0.2, "log": 0.35, "migration": 0.3}
    tally = Tally({kind: round(arguments.kills * share) for kind, share in shares.items()}, arguments.seed)
    with tempfile.TemporaryDirectory(prefix="gptoss-survive-") as name:
        home = Path(name)
        (home / "shared").mkdir()
        trials = Trials(home / "shared")
        run: dict[str, Trial] = {kind: getattr(trials, kind) for kind in shares}

        def work() -> None:
            while found := tally.next():
                kind, dice = found
                with tempfile.TemporaryDirectory(dir=home, prefix=f"{kind}-") as folder:
                    try:
                        tally.add(kind, run[kind](Path(folder), dice))
                    except Exception:
                        print(f"{kind}: {traceback.format_exc()}", flush=True)
                        raise

        with ThreadPoolExecutor(arguments.jobs) as pool:
            for worker in as_completed([pool.submit(work) for _ in range(arguments.jobs)]):
                worker.result()
    print(f"{sum(sums['kills'] for sums in tally.sums.values()):,} kills, and nothing that was acknowledged is lost")
    for kind in shares:
        print(f"{kind}: {tally.told(kind)}")


if __name__ == "__main__":
    main()
