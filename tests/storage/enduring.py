"""Does all that writes to a log on a disk that fails, at each call in turn: `python -m tests.storage.enduring`.

The arguments are the folder of the databases that it makes, and the file of `tests.storage.failing_disk`. For each
operation it prints how many calls it makes, and how often it failed as one of them did. After each of them the log must
hold what it has acknowledged, and go on.
"""

import errno
import itertools
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from gptoss.engine.errors import StorageError
from gptoss.engine.events import MessageAppended, SessionRenamed, TokensSampled
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.storage.health import examine
from gptoss.storage.opening import open_for_reading
from gptoss.storage.sql import SqlLog
from tests.contracts.event_log import SETTINGS, says
from tests.storage.failing_disk import FailingDisk

DENSE = 15
"""The first calls of an operation fail in turn, later ones in steps of a fifth."""


class Endurance:
    def __init__(self, path: Path, disk: FailingDisk) -> None:
        self._path = path
        self._disk = disk
        self._log = SqlLog(path)
        self._branch = self._log.start("ada", SETTINGS).branch
        self._said: dict[int, str] = {}
        self._count = itertools.count()

    def append(self) -> None:
        text = f"message {next(self._count)}"
        (stored,) = self._log.append(self._branch, self._log.branch(self._branch).head, [says(text)])
        self._said[stored.seq] = text

    def append_tokens(self) -> None:
        self._log.append(self._branch, self._head, [TokensSampled(ids=tuple(range(300)))] * 20, durable=False)

    def fork(self) -> None:
        self._log.fork(self._branch, self._head)

    def rename(self) -> None:
        session = self._log.session(self._name)
        self._log.append(self._branch, self._head, [SessionRenamed(name="ada" if session.name == "eve" else "eve")])

    def redact(self) -> None:
        seq = max(self._said)
        self._log.redact(self._branch, seq)
        del self._said[seq]

    def start_and_delete(self) -> None:
        session = self._log.start(f"gone {next(self._count)}", SETTINGS)
        self._log.append(session.branch, 1, [says("x" * 20_000)])
        self._log.delete(session.id)

    def collect(self) -> None:
        self._log.put_blob(b"x" * 20_000 + b"%d" % next(self._count))
        self._log.collect()

    def collect_all(self) -> None:
        self._log.collect(thorough=True)

    def search(self) -> None:
        assert self._log.search(SearchRequest(query=parse_query("message")))

    def repair(self) -> None:
        self._log.repair()

    def open(self) -> None:
        SqlLog(self._path).close()

    def read(self) -> None:
        with closing(open_for_reading(self._path)) as reader:
            list(reader.read(self._branch))

    @property
    def _head(self) -> int:
        return self._log.branch(self._branch).head

    @property
    def _name(self) -> str:
        (session,) = (found for found in self._log.sessions() if found.branch == self._branch)
        return session.name

    def endure(self, operation: Callable[[], None], error: int, *, lasting: bool) -> tuple[int, int]:
        """Do it again and again, a later call failing each time, until all of it goes well.

        At which call none failed any more, and how often the operation had failed by then.
        """
        refused = after = 0
        while True:
            self.append()
            try:
                self._disk.begin(after, error, lasting=lasting)
                operation()
            except StorageError as problem:
                self._disk.end()
                self._check_sentence(problem, error)
                refused += 1
            else:
                if not self._disk.end():
                    break
            self._check()
            after += max(1, (after - DENSE) // 5)
        return after, refused

    def _check_sentence(self, problem: StorageError, error: int) -> None:
        text = str(problem)
        assert str(self._path) in text, text
        assert "\n" not in text
        assert ("check the disk" if error == errno.EIO else "free some space") in text, text

    def _check(self) -> None:
        """All that was acknowledged is there."""
        events = list(self._log.read(self._branch))
        assert [stored.seq for stored in events] == list(range(1, len(events) + 1))
        for seq, text in self._said.items():
            event = events[seq - 1].event
            assert isinstance(event, MessageAppended)
            assert event.message.content == text

    def finish(self) -> None:
        self._check()
        self._log.close()
        examined = examine(self._path)
        assert (examined.damage, examined.faults) == ((), ())


def main(folder: Path, control: Path) -> None:
    disk = FailingDisk(control)
    for error, lasting in ((errno.EIO, False), (errno.EIO, True), (errno.ENOSPC, True)):
        enduring = Endurance(folder / f"{errno.errorcode[error]} {lasting}.db", disk)
        for operation in (
            enduring.append,
            enduring.append_tokens,
            enduring.fork,
            enduring.rename,
            enduring.redact,
            enduring.start_and_delete,
            enduring.collect,
            enduring.collect_all,
            enduring.search,
            enduring.repair,
            enduring.open,
            enduring.read,
        ):
            failed, refused = enduring.endure(operation, error, lasting=lasting)
            print(errno.errorcode[error], lasting, operation.__name__, failed, refused, flush=True)
        enduring.finish()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
