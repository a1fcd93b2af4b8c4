"""What every event log promises of leaving it and coming back, as a suite like `tests.contracts.event_log`."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from gptoss.engine.errors import RecordRefused, SessionExists, UsageError
from gptoss.engine.events import Artefact, Event, HeadMoved, SessionRenamed, ToolReturned, UnknownEvent
from gptoss.engine.ports import EventLog, EventReader, SessionInfo
from gptoss.engine.records import Record, SessionRecords
from gptoss.storage.memory import MemoryLog
from tests.contracts.event_log import SETTINGS, a_generation, answers, says


def records_of(log: EventReader, name: str) -> SessionRecords:
    """A whole session as it leaves a log."""
    session = log.session(name)
    branches = log.branches(session.id)
    records = [record for branch in branches for record in log.records(branch.id, branch.at_seq)]
    digests = {
        artefact.digest
        for branch in branches
        for stored in log.read(branch.id)
        if isinstance(stored.event, ToolReturned)
        for artefact in stored.event.artefacts
    }
    return SessionRecords(
        id=session.id,
        name=session.name,
        branch=session.branch,
        records=records,
        blobs=[log.get_blob(digest) for digest in sorted(digests)],
    )


def an_eventful_session(log: EventLog) -> SessionInfo:
    """A session with two forks, files, unknown events, a new name."""
    session = log.start("ada", SETTINGS)
    artefact = Artefact(digest=log.put_blob(b"data"), name="plot.png", media_type="image/png", size=4)
    events: list[Event] = [
        says("Hello"),
        *a_generation(),
        answers("Hi"),
        ToolReturned(call=1, outcome="ok", artefacts=(artefact,)),
        UnknownEvent(name="DreamRecorded", schema_version=3, payload=' {"of":\n"sheep"}', tokens=b"\x81\x00\x07"),
        SessionRenamed(name="countess"),
    ]
    log.append(session.branch, 1, events)
    fork = log.fork(session.branch, 4, "second")
    log.append(fork.id, 5, [HeadMoved(came_from=session.branch), says("Again")])
    log.append(log.fork(fork.id, 6).id, 7, [says("And again")])
    return log.session("countess")


class RestoringContract:
    """`open` gives an empty log, `reader` whatever does the reading."""

    def open(self) -> EventLog:
        raise NotImplementedError

    def reader(self, log: EventLog) -> EventReader:
        return log

    @pytest.fixture
    def log(self) -> Iterator[EventLog]:
        log = self.open()
        yield log
        log.close()

    @pytest.fixture
    def foreign(self) -> SessionRecords:
        """A session of another log."""
        elsewhere = MemoryLog()
        return records_of(elsewhere, an_eventful_session(elsewhere).name)

    def test_a_session_leaves_as_it_is(self, log: EventLog) -> None:
        session = an_eventful_session(log)
        records = records_of(self.reader(log), session.name)
        assert [record.seq for record in records.records][:3] == [1, 2, 3]
        stored = list(self.reader(log).read(session.branch))
        found = list(self.reader(log).records(session.branch))
        assert [(r.branch, r.seq, r.time, r.kind) for r in found] == [
            (s.branch, s.seq, s.time, s.event.kind) for s in stored
        ]

    def test_what_is_restored_is_what_left(self, log: EventLog, foreign: SessionRecords) -> None:
        log.start("other", SETTINGS)
        (session,) = log.restore([foreign])
        reader = self.reader(log)
        assert records_of(reader, "countess") == replace(foreign, records=list(foreign.records))
        assert reader.session("countess") == session
        assert (session.id, session.branch, session.messages, session.preview) == (
            foreign.id,
            foreign.branch,
            4,
            "Hello",
        )
        assert session.created == foreign.records[0].time
        assert session.updated == max(record.time for record in foreign.records)
        assert [branch.name for branch in reader.branches(session.id)] == ["main", "second", "branch-3"]

    def test_life_goes_on(self, log: EventLog, foreign: SessionRecords) -> None:
        (session,) = log.restore([foreign])
        head = log.branch(session.branch).head
        log.append(session.branch, head, [says("And on")])
        fork = log.fork(session.branch, head)
        assert [event.seq for event in self.reader(log).read(fork.id)] == list(range(1, head + 2))
        log.delete(session.id)
        assert self.reader(log).sessions() == []

    def test_another_name_and_branch_are_events(self, log: EventLog, foreign: SessionRecords) -> None:
        other = next(record.branch for record in foreign.records if record.branch != foreign.branch)
        (session,) = log.restore([replace(foreign, name="duchess", branch=other)])
        assert (session.name, session.branch) == ("duchess", other)
        newest = [stored.event for stored in self.reader(log).read(other)][-2:]
        assert newest == [HeadMoved(came_from=foreign.branch), SessionRenamed(name="duchess")]

    def test_a_session_that_is_there_already_becomes_a_copy(self, log: EventLog) -> None:
        session = an_eventful_session(log)
        (copy,) = log.restore([replace(records_of(log, session.name), name="copy")])
        assert copy.id != session.id
        reader = self.reader(log)
        mine, its = ([list(reader.read(branch.id)) for branch in reader.branches(each.id)] for each in (session, copy))
        assert [[event.time for event in path] for path in its[:1]] == [[*(e.time for e in mine[0])]]
        assert {branch.name for branch in reader.branches(copy.id)} == {"main", "second", "branch-3"}
        log.append(copy.branch, log.branch(copy.branch).head, [says("Only in the copy")])
        assert reader.branch(session.branch).head == len(mine[1])
        log.delete(session.id)
        assert reader.get_blob(next(e for e in its[0] if isinstance(e.event, ToolReturned)).event.artefacts[0].digest)

    def test_a_taken_name_is_refused_and_nothing_is_written(self, log: EventLog, foreign: SessionRecords) -> None:
        log.start("countess", SETTINGS)
        before = self.reader(log).sessions()
        with pytest.raises(SessionExists):
            log.restore([replace(foreign, name="free"), foreign])
        with pytest.raises(UsageError):
            log.restore([replace(foreign, name="a\nb")])
        assert self.reader(log).sessions() == before

    @pytest.mark.parametrize("what", ["hash", "payload", "time", "seq", "kind", "version", "messages", "ids", "branch"])
    def test_what_was_altered_is_refused(self, log: EventLog, foreign: SessionRecords, what: str) -> None:
        number = next(n for n, record in enumerate(foreign.records) if record.ids)
        record = foreign.records[number]
        altered: dict[str, object] = {
            "hash": bytes(16),
            "payload": '{"elapsed_ms":1}',
            "time": record.time + 1,
            "seq": record.seq + 1,
            "kind": "GenerationFinished",
            "version": 2,
            "messages": record.messages + 1,
            "ids": (1, 2),
            "branch": "0" * 16,
        }
        bad = replace(record, **{what: altered[what]})
        records = [*foreign.records[:number], bad, *foreign.records[number + 1 :]]
        with pytest.raises(RecordRefused) as caught:
            log.restore([replace(foreign, name="free"), replace(foreign, records=records)])
        assert (caught.value.session, caught.value.record) == (1, number)
        assert self.reader(log).sessions() == []

    def test_what_is_missing_is_noticed(self, log: EventLog, foreign: SessionRecords) -> None:
        def refused(**changes: object) -> str:
            with pytest.raises(RecordRefused) as caught:
                log.restore([replace(foreign, **changes)])
            return str(caught.value)

        records = list(foreign.records)
        fork = next(n for n, record in enumerate(records) if record.kind == "BranchForked")
        assert "begins with SessionStarted" in refused(records=records[1:])
        assert "some are missing" in refused(records=[*records[:3], *records[4:]])
        assert "some are missing" in refused(records=[records[0], records[2], records[1], *records[3:]])
        assert "forked from is missing" in refused(records=[*records[:3], *records[fork:]])
        assert "begins with BranchForked" in refused(records=[*records[:fork], *records[fork + 1 :]])
        assert "another session" in refused(id="0" * 16)
        assert "branch" in refused(branch="0" * 16)
        assert "file" in refused(blobs=[])
        assert "file" in refused(blobs=[b"other data"])
        assert self.reader(log).sessions() == []

    def test_a_branch_may_lack_its_end(self, log: EventLog, foreign: SessionRecords) -> None:
        """An archive of what was said up to a point is one too."""
        records: list[Record] = [record for record in foreign.records if record.branch == foreign.records[0].branch]
        (session,) = log.restore([replace(foreign, name="ada", branch=records[0].branch, records=records[:3])])
        assert (session.name, self.reader(log).branch(session.branch).head) == ("ada", 3)
