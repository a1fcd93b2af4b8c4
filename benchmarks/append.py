"""What the event log costs beside sqlite3 alone.

    python -m benchmarks.append [--rounds N] [--folder DIR] [--peers PYTHON]

All run in this process on the same driver and disk, in turns of a few milliseconds, since a shared disk's speed changes
by the minute. What counts are the ratios: medians over the rounds, 1 being as fast as sqlite3, more being faster.
Reading waits for no disk, so it is measured in the time of the processor, which other programs do not blur.

floor   one table (position, branch, seq, payload) without a key, which takes payloads that are encoded already
plain   the same with the key (branch, seq) that it takes to read a session, and json.dumps and json.loads
ours    events encoded, hashed, chained, keyed, counted and compared with the head; read back verified and decoded
needed  what our reader takes of the rows of ours, for events and chain, read by sqlite3 and json.loads
whole   the same rows with all their columns, their hashes among them

Both tables of sqlite3 have its default settings and WAL. `--peers` names a Python that has other stores of
conversations (`benchmarks/peers.py` says which), which then take turns with ours.
"""

import argparse
import ast
import json
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.peers import PEERS
from gptoss.engine.events import MessageAppended, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.reducer import fold
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.engine.settings import Settings
from gptoss.storage.reading import SqliteReader
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi

PAYLOAD_BYTES = 600
VOCABULARY = 200_000
TURNS = 10
"""How often the contenders take turns within a round."""

WARM_UP = 1200
"""Commits before anything is measured: SQLite's WAL grows at first, and a file that grows takes longer to sync."""


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

    def append(self) -> None:
        raise NotImplementedError

    def warm_up(self, times: int) -> None:
        """Without waiting for the disk."""
        ((synchronous,),) = self.connection.execute("PRAGMA synchronous").fetchall()
        self.connection.execute("PRAGMA synchronous = OFF")
        for _ in range(times):
            self.append()
        self.connection.execute(f"PRAGMA synchronous = {synchronous}")

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


class Rows:
    """What `Ours` has written, read as `Plain` reads: nothing is verified. The payload is the first of the columns."""

    NEEDED = "payload, kind, version, time, messages, tokens"
    WHOLE = "payload, key, kind, version, time, messages, hash, tokens, redacted"

    def __init__(self, path: Path, columns: str) -> None:
        self.connection = dbapi.connect(str(path), isolation_level=None)
        self._query = f"SELECT {columns} FROM events ORDER BY key"

    def close(self) -> None:
        self.connection.close()

    def load(self) -> None:
        for payload, *_ in self.connection.execute(self._query).fetchall():
            json.loads(payload)


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

    def warm_up(self, times: int) -> None:
        durable, self.durable = self.durable, False
        for _ in range(times):
            self.append()
        self.durable = durable

    def load(self) -> None:
        for _ in self.reader.read(self.branch):
            pass


def taking_turns(
    rounds: int,
    repeats: int,
    contenders: list[Callable[[], None]],
    clock: Callable[[], float] = time.perf_counter,
) -> list[list[float]]:
    """Seconds of each contender in each round of TURNS times `repeats` calls."""
    taken: list[list[float]] = [[] for _ in contenders]
    for _ in range(rounds):
        sums = [0.0] * len(contenders)
        for _ in range(TURNS):
            for index, contender in enumerate(contenders):
                begun = clock()
                for _ in range(repeats):
                    contender()
                sums[index] += clock() - begun
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
        contenders = [floor.append, plain.append, ours.append]
        for contender in (floor, plain, ours):
            contender.warm_up(WARM_UP // batch)
        taken = taking_turns(rounds, repeats, contenders)
    what = f"append, {batch} in a commit, {'FULL' if durable else 'NORMAL'}"
    report(what, TURNS * repeats * batch, taken)


class Peer:
    """Another store, in a process of its own; `append` stores `count` messages one by one."""

    def __init__(self, python: Path, name: str, folder: Path, count: int) -> None:
        script = Path(__file__).with_name("peers.py")
        command = [str(python), str(script), name, str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._count = count
        self._ask("")

    def append(self) -> None:
        self._ask(f"{self._count}\n")

    def warm_up(self, times: int) -> None:
        self._ask(f"{times}\n")

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()
        if not self._process.stdout.readline():
            raise RuntimeError(f"{self._process.args} failed")

    def close(self) -> None:
        self._process.communicate()


def beside_peers(folder: Path, rounds: int, python: Path, count: int = 20) -> None:
    """One durable commit each, of ours and of the peers."""
    events = [an_event(0)]
    with ExitStack() as opened:
        plain = opened.enter_context(closing(Plain(folder / "plain.db", events, durable=True)))
        ours = opened.enter_context(closing(Ours(folder / "ours.db", events, durable=True)))
        peers = {name: opened.enter_context(closing(Peer(python, name, folder, count))) for name in PEERS}

        def repeated(append: Callable[[], None]) -> Callable[[], None]:
            return lambda: [append() for _ in range(count)] and None

        contenders = [repeated(plain.append), repeated(ours.append), *(peer.append for peer in peers.values())]
        for contender in (plain, ours):
            contender.warm_up(WARM_UP)
        for peer in peers.values():
            peer.warm_up(WARM_UP // 3)  # they write more pages a message
        taken = taking_turns(max(1, rounds // 3), 1, contenders)
    print(f"{'one durable message each':<34}{'events/s':>10}{'ours is faster by':>20}")
    for name, seconds in zip(("sqlite3 (plain)", "gptoss", *peers), taken, strict=True):
        faster = statistics.median(theirs / own for theirs, own in zip(seconds, taken[1], strict=True))
        print(f"{name:<34}{TURNS * count / statistics.median(seconds):>10,.0f}{faster:>20.2f}")


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
        path = folder / "ours.db"
        with closing(Rows(path, Rows.NEEDED)) as needed, closing(Rows(path, Rows.WHOLE)) as whole:
            contenders = [floor.load, plain.load, ours.load, needed.load, whole.load]
            taken = taking_turns(max(1, rounds // 5), 1, contenders, time.thread_time)
        report(f"load {count:,}", TURNS * count, taken[:3])
        for what, seconds in (("needed of the rows of ours", taken[3]), ("whole rows of ours", taken[4])):
            ratio = statistics.median(b / o for b, o in zip(seconds, taken[2], strict=True))
            print(f"{what:<34}{TURNS * count / statistics.median(seconds):>20,.0f}{ratio:>34.2f}")
        forks = []
        for _ in range(25):
            begun = time.perf_counter()
            ours.log.fork(ours.branch, count // 2)
            forks.append(time.perf_counter() - begun)
    median, least = statistics.median(forks) * 1000, min(forks) * 1000
    print(f"fork a session of {count:,} messages: {median:.2f} ms (least {least:.2f})")


def bytes_per_token(folder: Path, batches: int = 2_500, size: int = 40) -> None:
    """What the file grows by for batches of tokens, checkpointed."""
    path = folder / "ours.db"

    with closing(Ours(path, [], durable=False)) as ours:
        before = file_size(path)
        ids = token_ids()
        for number in range(batches):
            batch = TokensSampled(ids=tuple(next(ids) for _ in range(size)), elapsed_ms=number * 400)
            (stored,) = ours.log.append(ours.branch, ours.seq, [batch], durable=False)
            ours.seq = stored.seq
        grown = file_size(path) - before
    print(f"file per streamed token, {size} in a batch: {grown / (batches * size):.2f} bytes")


def bytes_per_token_in_all(folder: Path, harmony: Harmony) -> None:
    """The same with the completed text of each answer and the index over it, for English prose: our own."""
    log = SqlLog(folder / "ours.db")
    branch = log.start("benchmark", Settings(start_date="2026-01-01")).branch
    seq, tokens = 1, 0
    before = file_size(folder / "ours.db")
    for text in prose():
        ids = harmony.encode(text)
        tokens += len(ids)
        for first in range(0, len(ids), 40):
            batch = TokensSampled(ids=ids[first : first + 40], elapsed_ms=10 * first)
            seq = log.append(branch, seq, [batch], durable=False)[-1].seq
        said = MessageAppended(message=Message(role="assistant", content=text, channel="final"))
        seq = log.append(branch, seq, [said], durable=False)[-1].seq
    log.search(SearchRequest(query=parse_query("whatever")))
    log.close()
    grown = file_size(folder / "ours.db") - before
    print(f"the same with the text and the search index, {tokens:,} tokens: {grown / tokens:.2f} bytes")


def prose() -> Iterator[str]:
    """Answers of a thousand characters or more: our pages, and what our modules say of themselves."""
    root = Path(__file__).parents[1]
    text = ""
    for paragraph in paragraphs(root):
        text += paragraph + "\n\n"
        if len(text) > 1000:
            yield text
            text = ""


def paragraphs(root: Path) -> Iterator[str]:
    for page in sorted([*root.glob("*.md"), *root.glob("docs/*.md")]):
        yield from page.read_text(encoding="utf-8").split("\n\n")
    for module in sorted([*root.glob("gptoss/**/*.py"), *root.glob("tests/**/*.py")]):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (said := ast.get_docstring(node)):
                yield said


def file_size(path: Path) -> int:
    with closing(dbapi.connect(str(path))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def opening(folder: Path, messages: int = 10_000) -> None:
    """What a chat does before it shows the prompt: read and fold a session of so many messages."""
    events = [an_event(number) for number in range(messages)]
    with closing(Ours(folder / "ours.db", events, durable=True)) as ours:
        ours.append()
        taken = []
        for _ in range(25):
            begun = time.thread_time()
            fold(ours.log.read(ours.branch))
            taken.append(time.thread_time() - begun)
    median, least = statistics.median(taken) * 1000, min(taken) * 1000
    print(f"open a session of {messages:,} messages: {median:.0f} ms (least {least:.0f})")


def token_ids() -> Iterator[int]:
    """Ids spread as in text: few are frequent, most are rare (Zipf's law over the vocabulary's ranks)."""
    draw = random.Random(0).random
    while True:
        yield int(VOCABULARY ** draw())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="where the databases are written (default: the temporary folder)")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="compare with other stores, too")
    options = parser.parse_args()
    rounds = options.rounds
    print(f"{'events/s':<34}{'floor':>10}{'plain':>10}{'ours':>10}{'ours/floor':>12}{'ours/plain':>12}")
    for measure in (
        lambda folder: appends(folder, rounds, 50, 1, durable=True),
        lambda folder: appends(folder, rounds, 200, 1, durable=False),
        lambda folder: appends(folder, rounds, 5, 100, durable=True),
        lambda folder: appends(folder, rounds, 5, 100, durable=False),
        lambda folder: loads(folder, rounds),
        opening,
        bytes_per_token,
        lambda folder: bytes_per_token_in_all(folder, Harmony.load(folder)),
        *([lambda folder: beside_peers(folder, rounds, options.peers)] if options.peers else []),
    ):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(Path(folder))


if __name__ == "__main__":
    main()
