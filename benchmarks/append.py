"""What the event log costs beside sqlite3 alone.

    python benchmarks/append.py [--rounds N] [--folder DIR]

All run in this process on the same driver and disk, in turns of a few milliseconds, since a shared disk's speed changes
by the minute. What counts are the ratios: medians over the rounds, 1 being as fast as sqlite3, more being faster.

floor   one table (position, branch, seq, payload) without a key, which takes payloads that are encoded already
plain   the same with the key (branch, seq) that it takes to read a session, and json.dumps and json.loads
ours    events encoded, hashed, chained, keyed, counted and compared with the head; read back verified and decoded

Both tables of sqlite3 have its default settings and WAL.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from gptoss.engine.events import MessageAppended, TokensSampled
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi

PAYLOAD_BYTES = 600
VOCABULARY = 200_000
TURNS = 10
"""How often the contenders take turns within a round."""


def an_event(number: int) -> MessageAppended:
    """An event whose payload is PAYLOAD_BYTES of JSON."""
    around = len('{"message":{"role":"assistant","content":"","channel":"final"}}')
    content = f"{number} ".ljust(PAYLOAD_BYTES - around, "x")
    return MessageAppended(message=Message(role="assistant", content=content, channel="final"))


class Sqlite3:
    """A table in sqlite3."""

    def __init__(self, path: Path, key: str, *, durable: bool) -> None:
        self.connection = dbapi.connect(str(path), isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self.connection.execute(
            f"CREATE TABLE events (position INTEGER PRIMARY KEY, branch INTEGER, seq INTEGER, payload TEXT{key})"
        )
        self.seq = 0

    def close(self) -> None:
        self.connection.close()

    def insert(self, payloads: list[str]) -> None:
        rows = [(1, self.seq + number, payload) for number, payload in enumerate(payloads, 1)]
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO events (branch, seq, payload) VALUES (?, ?, ?)", rows)
        self.connection.execute("COMMIT")
        self.seq += len(rows)

    def rows(self) -> list[Any]:
        query = "SELECT position, branch, seq, payload FROM events WHERE branch = 1 ORDER BY seq"
        found: list[Any] = self.connection.execute(query).fetchall()
        return found


class Floor(Sqlite3):
    def __init__(self, path: Path, events: list[MessageAppended], *, durable: bool) -> None:
        super().__init__(path, "", durable=durable)
        self.payloads = [msgspec.json.encode(event).decode() for event in events]

    def append(self) -> None:
        self.insert(self.payloads)

    def load(self) -> None:
        self.rows()


class Plain(Sqlite3):
    def __init__(self, path: Path, events: list[MessageAppended], *, durable: bool) -> None:
        super().__init__(path, ", UNIQUE (branch, seq)", durable=durable)
        self.payloads = [msgspec.to_builtins(event) for event in events]

    def append(self) -> None:
        self.insert([json.dumps(payload) for payload in self.payloads])

    def load(self) -> None:
        for row in self.rows():
            json.loads(row[3])


class Ours:
    def __init__(self, path: Path, events: list[MessageAppended], *, durable: bool) -> None:
        self.log = SqlLog(path)
        self.reader = SqliteReader(path)
        self.branch = self.log.start("benchmark", Settings(start_date="2026-01-01")).branch
        self.events = events
        self.durable = durable
        self.seq = 1

    def close(self) -> None:
        self.reader.close()
        self.log.close()

    def append(self) -> None:
        self.seq = self.log.append(self.branch, self.seq, self.events, durable=self.durable)[-1].seq

    def load(self) -> None:
        for _ in self.reader.read(self.branch):
            pass


def taking_turns(rounds: int, repeats: int, contenders: list[Callable[[], None]]) -> list[list[float]]:
    """Seconds of each contender in each round of TURNS times `repeats` calls."""
    taken: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        sums = [0.0] * len(contenders)
        for _ in range(TURNS):
            for index, contender in enumerate(contenders):
                begun = time.perf_counter()
                for _ in range(repeats):
                    contender()
                sums[index] += time.perf_counter() - begun
        for index, total in enumerate(sums):
            taken[index].append(total)
    return taken


def report(what: str, units: int, taken: list[list[float]]) -> None:
    """`units` are the events of a round."""
    rates = [units / statistics.median(seconds) for seconds in taken]
    floor, plain = (statistics.median(b / o for b, o in zip(taken[n], taken[2], strict=True)) for n in (0, 1))
    print(f"{what:<34}{rates[0]:>10,.0f}{rates[1]:>10,.0f}{rates[2]:>10,.0f}{floor:>12.2f}{plain:>12.2f}")


def appends(folder: Path, rounds: int, repeats: int, batch: int, *, durable: bool) -> None:
    """Commits of `batch` events, TURNS times `repeats` in a round."""
    events = [an_event(number) for number in range(batch)]
    with (
        closing(Floor(folder / "floor.db", events, durable=durable)) as floor,
        closing(Plain(folder / "plain.db", events, durable=durable)) as plain,
        closing(Ours(folder / "ours.db", events, durable=durable)) as ours,
    ):
        taken = taking_turns(rounds, repeats, [floor.append, plain.append, ours.append])
    what = f"append, {batch} in a commit, {'FULL' if durable else 'NORMAL'}"
    report(what, TURNS * repeats * batch, taken)


def loads(folder: Path, rounds: int, count: int = 10_000) -> None:
    """Read a session of `count` events, and fork it."""
    events = [an_event(number) for number in range(count)]
    with (
        closing(Floor(folder / "floor.db", events, durable=True)) as floor,
        closing(Plain(folder / "plain.db", events, durable=True)) as plain,
        closing(Ours(folder / "ours.db", events, durable=True)) as ours,
    ):
        for contender in (floor, plain, ours):
            contender.append()
        taken = taking_turns(max(1, rounds // 5), 1, [floor.load, plain.load, ours.load])
        report(f"load {count:,}", TURNS * count, taken)
        forks = []
        for _ in range(25):
            begun = time.perf_counter()
            ours.log.fork(ours.branch, count // 2)
            forks.append(time.perf_counter() - begun)
    print(f"fork a session of {count:,} messages: {statistics.median(forks) * 1000:.2f} ms")


def bytes_per_token(folder: Path, batches: int = 2_500, size: int = 40) -> None:
    """What the file grows by for batches of tokens, checkpointed."""
    path = folder / "ours.db"

    def file_size() -> int:
        with closing(dbapi.connect(str(path))) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size

    with closing(Ours(path, [], durable=False)) as ours:
        before = file_size()
        ids = token_ids()
        for number in range(batches):
            batch = TokensSampled(ids=tuple(next(ids) for _ in range(size)), elapsed_ms=number * 400)
            (stored,) = ours.log.append(ours.branch, ours.seq, [batch], durable=False)
            ours.seq = stored.seq
        grown = file_size() - before
    print(f"file per streamed token, {size} in a batch: {grown / (batches * size):.2f} bytes")


def token_ids() -> Iterator[int]:
    """Ids spread as in text: few are frequent, most are rare (Zipf's law over the vocabulary's ranks)."""
    draw = random.Random(0).random
    while True:
        yield int(VOCABULARY ** draw())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where the databases are written (default: the temporary folder)")
    options = parser.parse_args()
    rounds = options.rounds
    print(f"{'events/s':<34}{'floor':>10}{'plain':>10}{'ours':>10}{'ours/floor':>12}{'ours/plain':>12}")
    for measure in (
        lambda folder: appends(folder, rounds, 50, 1, durable=True),
        lambda folder: appends(folder, rounds, 200, 1, durable=False),
        lambda folder: appends(folder, rounds, 5, 100, durable=True),
        lambda folder: appends(folder, rounds, 5, 100, durable=False),
        lambda folder: loads(folder, rounds),
        bytes_per_token,
    ):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(Path(folder))


if __name__ == "__main__":
    main()
