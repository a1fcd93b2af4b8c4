"""Random chats under faults, for as long as you like: `python -m benchmarks.soak --minutes 60`.

On SQLite and on PostgreSQL at once, two windows each chat with the embedded model in the same few sessions, with all
tools, fork, undo, redact, export, import, delete and so on, while processes are killed, stopped and refused room, other
programs hold locks and the server is restarted. A third chat is never killed: its memory is watched. In the end nothing
that was acknowledged may be missing, every session must verify and survive export and import. Prints a report in
Markdown; the exit code is 1 if anything was lost or went wrong otherwise.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import psycopg

from benchmarks.soaking.program import Program, Tally
from benchmarks.soaking.windows import Saboteur, Steady, Window, hold_lock, leave_processes_be
from benchmarks.soaking.world import World
from demo_model.words import Words
from gptoss.backends.demo.materialise import materialise
from gptoss.engine.errors import StorageError
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import VARIABLE, vocabulary_folder
from tests.storage.servers import Server, programs, server

AUDIT_SECONDS = 45.0


class Soaked:
    """One world, who works in it, and how its file grew: (events, tokens, bytes) at each audit."""

    def __init__(
        self, world: World, tally: Tally, troubles: dict[str, Callable[[Random], bool]], size: Callable[[], int]
    ) -> None:
        self.world, self.tally, self._size = world, tally, size
        self.program = Program(world, tally)
        self.steady = Steady(self.program, tally, over := threading.Event())
        self.growth: list[tuple[int, int, int]] = []
        self.audits = 0
        self.over = over
        windows = [Window(self.program, tally, f"{world.title} window {n}", over) for n in range(2)]
        saboteur = Saboteur(self.program, tally, troubles, f"{world.title} saboteur")
        jobs = [self.steady.run, self._audits, lambda: saboteur.run(over), *(window.run for window in windows)]
        self._threads = [threading.Thread(target=self._guarded, args=[job]) for job in jobs]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()
        try:
            self._audit()
        except StorageError as error:
            self.tally.defect(f"{self.world.title}: the last audit failed: {error}")
        self.world.losses += self.world.missing()
        ended = self.program.run("verify", what="verify everything")
        if ended.code:
            self.tally.defect(f"{self.world.title}: {ended.out}{ended.err}")
        self._restore_all()

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:
            self.tally.defect(f"{self.world.title}: the soak itself failed: {error!r}")
            raise

    def _audits(self) -> None:
        while not self.over.wait(AUDIT_SECONDS):
            with suppress(StorageError):  # somebody holds the lock, or the server restarts
                self._audit()

    def _audit(self) -> None:
        self.world.audit()
        self.audits += 1
        with suppress(psycopg.Error):
            self.growth.append((self.world.events, self.world.tokens, self._size()))

    def _restore_all(self) -> None:
        """Export everything and import it elsewhere: the same hashes must come out."""
        archives, other = self.world.home / "archives", f"sqlite:///{self.world.home / 'restored.db'}"
        self.program.run("export", "--all", "--format", "jsonl", "-o", str(archives), what="export everything")
        copy = World(f"{self.world.title} copy", self.world.home / "copy", other, self.world.words, 0)
        copy.may_forget = self.world.may_forget
        program = Program(copy, self.tally)
        for archive in sorted(archives.iterdir()):
            program.run("import", str(archive), what="import everything")
        copy.audit()
        if copy.heads() != self.world.heads():
            self.world.losses.append(f"{self.world.title}: an exported and imported copy differs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="where to write the report, too")
    options = parser.parse_args()
    found = programs()
    if found is None:
        sys.exit("PostgreSQL's server programs are not installed")
    leave_processes_be()
    tally, begun = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gptoss-soak-") as folder, server(found) as postgres:
        home = Path(folder)
        harmony = Harmony.load(home / "cache")
        words = Words(harmony.encode, vocabulary_folder(home / "cache"), "train")
        soaked = [
            _sqlite(home / "one", words, options.seed, tally),
            _postgres(postgres, home / "two", words, options.seed, tally),
        ]
        for each in soaked:
            each.world.environment[VARIABLE] = str(home / "cache" / "vocabulary")
            materialise(each.world.home / "cache")
        for each in soaked:
            each.start()
        time.sleep(options.minutes * 60)
        for each in soaked:
            each.finish()
        text = report(soaked, tally, (time.monotonic() - begun) / 60)
        if options.report is not None:
            options.report.write_text(text + "\n")
        print(text, flush=True)
    sys.exit(bool(tally.defects or any(each.world.losses for each in soaked)))


def _sqlite(home: Path, words: Words, seed: int, tally: Tally) -> Soaked:
    file = home / "gptoss.db"
    world = World("SQLite", home, f"sqlite:///{file}", words, seed)

    def size() -> int:
        return sum(each.stat().st_size for each in (file, Path(f"{file}-wal")) if each.exists())

    return Soaked(world, tally, {"another program holds the lock": hold_lock(str(file))}, size)


def _postgres(postgres: Server, home: Path, words: Words, seed: int, tally: Tally) -> Soaked:
    postgres.run("CREATE DATABASE soak ENCODING 'UTF8'")
    where = postgres.url("soak")

    def size() -> int:
        with psycopg.connect(where.replace("+psycopg", "")) as connection:
            row = connection.execute("SELECT pg_database_size('soak')").fetchone()
            return int(row[0]) if row else 0

    def disconnect(dice: Random) -> bool:
        postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'soak'")
        return True

    def restart(dice: Random) -> bool:
        postgres.restart()
        return True

    troubles = {"server ends all connections": disconnect, "server crashes and restarts": restart}
    return Soaked(World("PostgreSQL", home, where, words, seed), tally, troubles, size)


def report(soaked: list[Soaked], tally: Tally, minutes: float) -> str:
    """What happened, as Markdown."""
    losses = [loss for each in soaked for loss in each.world.losses]
    worlds = [each.world for each in soaked]
    lines = [
        f"{minutes:.0f} minutes: {sum(tally.operations.values()):,} operations, {sum(tally.faults.values()):,} faults, "
        f"{len(losses)} losses, {len(tally.defects)} defects.",
        "",
        f"{sum(w.acknowledged() for w in worlds):,} facts were acknowledged (events and messages), "
        f"{sum(w.events for w in worlds):,} events with {sum(w.tokens for w in worlds):,} tokens were written, "
        f"{sum(each.audits for each in soaked)} audits read them.",
        "",
        *_table("operation", tally.operations),
        *_table("fault", tally.faults),
        *_table("error that was told", tally.sentences),
        "| quarter of the run | "
        + " | ".join(f"{each.world.title}: memory of the chat that is never killed | bytes a token" for each in soaked)
        + " |",
        "| --- |" + " --- | --- |" * len(soaked),
    ]
    for quarter in range(4):
        cells = [cell for each in soaked for cell in (_memory(each, quarter), _bytes_a_token(each, quarter))]
        lines.append(f"| {quarter + 1} | " + " | ".join(cells) + " |")
    return "\n".join(
        [*lines, "", *(f"LOST: {loss}" for loss in losses), *(f"DEFECT: {text}" for text in tally.defects)]
    )


def _table(title: str, counts: Counter[str]) -> list[str]:
    return [f"| {title} | times |", "| --- | --- |", *(f"| {what} | {n:,} |" for what, n in counts.most_common()), ""]


def _memory(each: Soaked, quarter: int) -> str:
    memory = each.steady.memory
    if not memory:
        return "–"
    last = memory[-1][0]
    there = [size for when, size in memory if quarter * last / 4 <= when <= (quarter + 1) * last / 4]
    return f"{statistics.median(there) / 1e6:.0f} MB ({len(there)} turns)" if there else "–"


def _bytes_a_token(each: Soaked, quarter: int) -> str:
    growth = each.growth
    if not growth:
        return "–"
    _, tokens, size = growth[(quarter + 1) * (len(growth) - 1) // 4]
    return f"{size / max(tokens, 1):.0f} ({tokens:,} tokens)"


if __name__ == "__main__":
    main()
