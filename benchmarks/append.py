"""The event log beside bare sqlite3: the least that one table, one statement and one commit can cost.

    python benchmarks/append.py [--rounds N] [--folder DIR]

Both run in this process on the same driver and disk, in turns of a few milliseconds, since a disk's speed changes by
the minute. What counts is the ratio: the median over the rounds of bare time / our time, so 1 is as fast as bare
sqlite3. The bare table holds (position, branch, seq, payload), without index, hash or projection; its settings are
SQLite's defaults with WAL.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
"""How often the two take turns within a round."""


def an_event(number: int) -> MessageAppended:
    """An event whose payload is PAYLOAD_BYTES of JSON."""
    content = f"{number} ".ljust(
        PAYLOAD_BYTES - len('{"message":{"role":"assistant","content":"","channel":"final"}}'), "x"
    )
    return MessageAppended(message=Message(role="assistant", content=content, channel="final"))


class Bare:
    """One table in sqlite3, and nothing else."""

    def __init__(self, path: Path) -> None:
        self.connection = dbapi.connect(str(path), isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(
            "CREATE TABLE events (position INTEGER PRIMARY KEY, branch INTEGER, seq INTEGER, payload TEXT)"
        )
        self.seq = 0

    def append(self, payloads: list[str], *, durable: bool) -> None:
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        rows = [(1, self.seq + n, payload) for n, payload in enumerate(payloads, 1)]
        self.connection.executemany("INSERT INTO events (branch, seq, payload) VALUES (?, ?, ?)", rows)
        execute("COMMIT")
        self.seq += len(rows)

    def setting(self, *, durable: bool) -> None:
        self.connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")


class Ours:
    def __init__(self, path: Path) -> None:
        self.log = SqlLog(path)
        self.branch = self.log.start("benchmark", Settings(start_date="2026-01-01")).branch
        self.seq = 1

    def append(self, events: list[MessageAppended], *, durable: bool) -> None:
        self.seq = self.log.append(self.branch, self.seq, events, durable=durable)[-1].seq


def taking_turns(rounds: int, *contenders: Callable[[], None]) -> list[list[float]]:
    """Seconds of each contender in each round."""
    taken: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        sums = [0.0] * len(contenders)
        for _ in range(TURNS):
            for index, contender in enumerate(contenders):
                begun = time.perf_counter()
                contender()
                sums[index] += time.perf_counter() - begun
        for index, total in enumerate(sums):
            taken[index].append(total)
    return taken


def report(what: str, units: int, bare: list[float], ours: list[float]) -> None:
    """`units` are the events of a round."""
    ratio = statistics.median(b / o for b, o in zip(bare, ours, strict=True))
    rates = [units / statistics.median(seconds) for seconds in (bare, ours)]
    print(f"{what:<38} bare {rates[0]:>9,.0f}/s   ours {rates[1]:>9,.0f}/s   ratio {ratio:.2f}")


def appends(folder: Path, rounds: int, count: int, batch: int, *, durable: bool) -> None:
    """`count` commits of `batch` events in each round."""
    bare, ours = Bare(folder / "bare.db"), Ours(folder / "ours.db")
    bare.setting(durable=durable)
    events = [an_event(n) for n in range(batch)]
    payloads = [msgspec.json.encode(event).decode() for event in events]
    assert all(len(payload) == PAYLOAD_BYTES for payload in payloads)

    def run(append: Callable[..., None], what: list[Any]) -> Callable[[], None]:
        def turn() -> None:
            for _ in range(count // TURNS):
                append(what, durable=durable)

        return turn

    taken = taking_turns(rounds, run(bare.append, payloads), run(ours.append, events))
    sync = "FULL" if durable else "NORMAL"
    report(f"append, {batch} in a commit, {sync}", count * batch, *taken)
    bare.connection.close()
    ours.log.close()


def loads(folder: Path, rounds: int, count: int = 10_000) -> None:
    """Read `count` events: bare rows with their JSON parsed, ours decoded and verified."""
    bare, ours = Bare(folder / "bare.db"), Ours(folder / "ours.db")
    events = [an_event(n) for n in range(count)]
    bare.append([msgspec.json.encode(event).decode() for event in events], durable=True)
    ours.append(events, durable=True)
    reader = SqliteReader(folder / "ours.db")
    query = "SELECT position, branch, seq, payload FROM events WHERE branch = 1 ORDER BY seq"

    def rows() -> None:
        assert len(bare.connection.execute(query).fetchall()) == count

    def parsed() -> None:
        assert len([json.loads(row[3]) for row in bare.connection.execute(query)]) == count

    def verified() -> None:
        assert sum(1 for _ in reader.read(ours.branch)) == count + 1

    only_rows, with_json, mine = taking_turns(max(1, rounds // 5), rows, parsed, verified)
    report(f"load {count:,}, bare rows", count * TURNS, only_rows, mine)
    report(f"load {count:,}, bare rows + json.loads", count * TURNS, with_json, mine)

    forks = []
    for _ in range(20):
        begun = time.perf_counter()
        ours.log.fork(ours.branch, count // 2)
        forks.append(time.perf_counter() - begun)
    print(f"fork at {count:,} messages{'':<15} median {statistics.median(forks) * 1000:.2f} ms")
    bare.connection.close()
    ours.log.close()


def bytes_per_token(folder: Path, batches: int = 2_500, size: int = 40) -> None:
    """What a file grows by for token batches alone, checkpointed, ids spread as in English text."""
    ours = Ours(folder / "ours.db")
    path = folder / "ours.db"

    def file_size() -> int:
        connection = dbapi.connect(str(path))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path.stat().st_size

    before = file_size()
    ids = english_ids()
    for n in range(batches):
        batch = tuple(next(ids) for _ in range(size))
        (stored,) = ours.log.append(
            ours.branch, ours.seq, [TokensSampled(ids=batch, elapsed_ms=n * 400)], durable=False
        )
        ours.seq = stored.seq
    print(f"bytes of file a streamed token{'':<9} {(file_size() - before) / (batches * size):.2f} (batches of {size})")
    ours.log.close()


def english_ids() -> Iterator[int]:
    """Token ids spread as in text: a few ids are frequent, most are rare (Zipf's law over the vocabulary's ranks)."""
    draw = random.Random(0).random
    while True:
        yield int(VOCABULARY ** draw())


@contextmanager
def a_folder(where: Path | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where the databases are written (default: the temporary folder)")
    options = parser.parse_args()
    rounds, where = options.rounds, options.folder
    with a_folder(where) as folder:
        appends(folder, rounds, 500, 1, durable=True)
    with a_folder(where) as folder:
        appends(folder, rounds, 2_000, 1, durable=False)
    for durable in (True, False):
        with a_folder(where) as folder:
            appends(folder, rounds, 50, 100, durable=durable)
    with a_folder(where) as folder:
        loads(folder, rounds)
    with a_folder(where) as folder:
        bytes_per_token(folder)


if __name__ == "__main__":
    main()
