"""What holds for any history, on every log."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from gptoss.engine.errors import HeadConflict
from gptoss.engine.events import BranchForked, Event, SessionRenamed, StoredEvent
from gptoss.engine.ports import EventLog, SessionInfo
from gptoss.storage.memory import MemoryLog
from gptoss.storage.sql import SqlLog
from tests.contracts.event_log import SETTINGS
from tests.storage.events import appendable

histories = st.lists(appendable, max_size=12)


@pytest.fixture(scope="module")
def sql_log(tmp_path_factory: pytest.TempPathFactory) -> SqlLog:
    return SqlLog(tmp_path_factory.mktemp("histories") / "log.db")


class Names:
    """Session names that nobody has used yet."""

    count = 0

    @classmethod
    def next(cls) -> str:
        cls.count += 1
        return f"session {cls.count}"


def both(sql_log: SqlLog) -> Sequence[EventLog]:
    return MemoryLog(), sql_log


@given(events=histories, more=histories)
def test_any_history_is_read_as_it_was_appended(sql_log: SqlLog, events: list[Event], more: list[Event]) -> None:
    for log in both(sql_log):
        branch = log.start(Names.next(), SETTINGS).branch
        stored = log.append(branch, 1, events)
        stored += log.append(branch, 1 + len(events), more, durable=False)
        assert [event.event for event in stored] == events + more
        assert list(log.read(branch, 1)) == stored


@given(data=st.data(), events=histories, own=histories)
def test_a_fork_reads_its_parents_past(
    sql_log: SqlLog, data: st.DataObject, events: list[Event], own: list[Event]
) -> None:
    for log in both(sql_log):
        parent = log.start(Names.next(), SETTINGS).branch
        log.append(parent, 1, events)
        at_seq = data.draw(st.integers(1, 1 + len(events)))
        fork = log.fork(parent, at_seq)
        stored = log.append(fork.id, at_seq + 1, own)
        path = list(log.read(fork.id))
        assert path[:at_seq] == list(log.read(parent, until=at_seq))
        assert path[at_seq].event == BranchForked(parent=parent, at_seq=at_seq, name=fork.name)
        assert path[at_seq + 1 :] == stored


@given(events=histories.filter(bool))
def test_rows_in_memory_and_on_disk_are_chained_alike(sql_log: SqlLog, events: list[Event]) -> None:
    """Two logs that append the same differ only in ids and times; each one's hashes depend on all that came before."""
    for log in both(sql_log):
        one, other = (log.start(Names.next(), SETTINGS).branch for _ in range(2))
        for branch in (one, other):
            log.append(branch, 1, events)
        hashes = [[record.hash for record in log.records(branch, 1)] for branch in (one, other)]
        assert len({*hashes[0], *hashes[1]}) == 2 * len(events)
        assert all(len(hash) == 16 for hash in hashes[0])


class Writers(RuleBasedStateMachine):
    """Two writers and a reader on one file, each with its own idea of the heads, checked against a model in memory."""

    branches: Bundle[str] = Bundle("branches")

    @initialize(target=branches)
    def start(self) -> str:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "log.db"
        self.logs = [SqlLog(self.path), SqlLog(self.path)]
        self.session = self.logs[0].start("ada", SETTINGS)
        self.model: dict[str, list[StoredEvent]] = {self.session.branch: list(self.logs[0].read(self.session.branch))}
        return self.session.branch

    @rule(branch=branches, writer=st.integers(0, 1), events=st.lists(appendable, max_size=3), durable=st.booleans())
    def append(self, branch: str, writer: int, events: list[Event], durable: bool) -> None:
        known = self.model[branch]
        known += self.logs[writer].append(branch, len(known), events, durable=durable)

    @rule(branch=branches, writer=st.integers(0, 1), behind=st.integers(1, 3), events=st.lists(appendable, min_size=1))
    def append_to_an_old_head(self, branch: str, writer: int, behind: int, events: list[Event]) -> None:
        head = len(self.model[branch])
        with pytest.raises(HeadConflict) as caught:
            self.logs[writer].append(branch, head - behind, events)
        assert caught.value.actual == head

    @rule(target=branches, branch=branches, writer=st.integers(0, 1), data=st.data())
    def fork(self, branch: str, writer: int, data: st.DataObject) -> str:
        at_seq = data.draw(st.integers(1, len(self.model[branch])))
        fork = self.logs[writer].fork(branch, at_seq)
        self.model[fork.id] = self.model[branch][:at_seq] + list(self.logs[writer].read(fork.id, at_seq))
        assert len(self.model[fork.id]) == at_seq + 1
        return fork.id

    @rule(branch=branches, writer=st.integers(0, 1))
    def rename(self, branch: str, writer: int) -> None:
        known = self.model[branch]
        known += self.logs[writer].append(branch, len(known), [SessionRenamed(name=Names.next())])

    @rule(writer=st.integers(0, 1))
    def reopen(self, writer: int) -> None:
        self.logs[writer].close()
        self.logs[writer] = SqlLog(self.path)

    @rule(writer=st.integers(0, 1))
    def repair(self, writer: int) -> None:
        before = self.projections()
        self.logs[writer].repair()
        assert self.projections() == before

    def projections(self) -> list[SessionInfo | object]:
        log = self.logs[0]
        return [*log.sessions(), *log.branches(self.session.id)]

    @invariant()
    def every_branch_is_gap_free_and_as_expected(self) -> None:
        if not hasattr(self, "model"):
            return
        for branch, expected in self.model.items():
            assert list(self.logs[0].read(branch)) == expected
            assert [event.seq for event in expected] == list(range(1, len(expected) + 1))

    def teardown(self) -> None:
        if not hasattr(self, "logs"):
            return
        for log in self.logs:
            log.close()
        self.folder.cleanup()


TestWriters = Writers.TestCase
TestWriters.settings = settings(max_examples=20, stateful_step_count=15)
