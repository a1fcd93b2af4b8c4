"""What every event log promises, as one suite: `class TestMine(EventLogContract)` with `open` runs it."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from gptoss.engine.errors import (
    BranchBusy,
    HeadConflict,
    HistoryError,
    RecordRefused,
    SessionExists,
    SessionNotFound,
    StorageError,
    UsageError,
)
from gptoss.engine.events import (
    Artefact,
    BranchForked,
    Event,
    GenerationFinished,
    GenerationStarted,
    HeadMoved,
    MessageAppended,
    PayloadRedacted,
    SessionRenamed,
    SessionStarted,
    SettingsChanged,
    StoredEvent,
    TokensSampled,
    ToolCalled,
    ToolReturned,
    UnknownEvent,
)
from gptoss.engine.message import Message
from gptoss.engine.ports import EventLog, EventReader
from gptoss.engine.records import SessionRecords
from gptoss.engine.redaction import Redaction
from gptoss.engine.reducer import fold
from gptoss.engine.searching import SearchHit, SearchRequest, parse_query
from gptoss.engine.settings import Sampling, Settings, ToolSpec

SETTINGS = Settings(start_date="2026-01-31", tools=(ToolSpec(name="python"),))


def says(text: str) -> MessageAppended:
    return MessageAppended(message=Message(role="user", content=text))


def answers(text: str, channel: str = "final", *, partial: bool = False) -> MessageAppended:
    return MessageAppended(message=Message(role="assistant", content=text, channel=channel), partial=partial)


def a_generation(count: int = 3) -> list[Event]:
    return [
        GenerationStarted(
            backend="torch",
            model="m",
            sampling=Sampling(temperature=0.5, seed=7),
            prompt_length=9,
            prompt_hash="ab",
            rendering="1",
        ),
        *(TokensSampled(ids=(200006, 17, 300 + n), elapsed_ms=10 * n) for n in range(count)),
        GenerationFinished(reason="stop", stop_token=200002),
    ]


def events_of(stored: Sequence[StoredEvent]) -> list[Event]:
    return [event.event for event in stored]


class EventLogContract:
    """`open` gives a log on the same store each time it is called within a test: a log that is opened twice sees what
    the other one wrote. `reader` gives whatever does the reading, the log itself unless a suite says otherwise."""

    def open(self) -> EventLog:
        raise NotImplementedError

    def reader(self, log: EventLog) -> EventReader:
        return log

    @pytest.fixture
    def log(self) -> Iterator[EventLog]:
        log = self.open()
        yield log
        log.close()

    def read(self, log: EventLog, branch: str, after: int = 0, until: int | None = None) -> list[StoredEvent]:
        return list(self.reader(log).read(branch, after, until))

    # Sessions

    def test_a_session_begins_with_its_name_and_settings(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        (first,) = self.read(log, session.branch)
        assert first.seq == 1
        assert first.branch == session.branch
        assert first.event == SessionStarted(session=session.id, name="ada", settings=SETTINGS)
        assert first.time == session.created == session.updated
        assert self.reader(log).session("ada") == session
        assert (session.messages, session.preview) == (0, "")

    def test_a_taken_name_is_refused(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        with pytest.raises(SessionExists):
            log.start("ada", SETTINGS)
        assert self.reader(log).sessions() == [session]

    @pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "\ud800", "n" * 201])
    def test_a_name_that_cannot_be_shown_is_refused(self, log: EventLog, name: str) -> None:
        with pytest.raises(UsageError):
            log.start(name, SETTINGS)
        assert self.reader(log).sessions() == []

    @pytest.mark.parametrize("name", ["Ünïcødé", "a/b", "it's", '"; DROP TABLE events; --', "👩‍💻", "%_", " x "])
    def test_an_odd_name_is_kept_as_it_is(self, log: EventLog, name: str) -> None:
        session = log.start(name, SETTINGS)
        assert session.name == name
        assert self.reader(log).session(name) == session

    def test_an_unknown_session_or_branch_is_not_found(self, log: EventLog) -> None:
        reader = self.reader(log)
        with pytest.raises(SessionNotFound):
            reader.session("nobody")
        with pytest.raises(SessionNotFound):
            reader.branch("nobody")
        with pytest.raises(SessionNotFound):
            list(reader.read("nobody"))
        with pytest.raises(SessionNotFound):
            log.append("nobody", 1, [says("hello")])
        with pytest.raises(SessionNotFound):
            log.fork("nobody", 1)
        with pytest.raises(SessionNotFound):
            log.delete("nobody")
        assert reader.branches("nobody") == []

    def test_sessions_are_listed_by_their_last_use(self, log: EventLog) -> None:
        one, two, three = (log.start(name, SETTINGS) for name in ("one", "two", "three"))
        log.append(one.branch, 1, [says("hello")])
        fork = log.fork(two.branch, 1)
        listed = self.reader(log).sessions()
        assert [session.name for session in listed] == ["two", "one", "three"]
        log.append(one.branch, 2, [says("again")])
        (newest,) = log.append(fork.id, 2, [says("there")])
        listed = self.reader(log).sessions()
        assert [session.name for session in listed] == ["two", "one", "three"]
        assert listed[0].updated == newest.time
        assert listed[2] == three

    def test_messages_are_counted_and_the_first_one_shown(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        call = Message(role="assistant", content="1+1", channel="analysis", recipient="python")
        log.append(
            session.branch,
            1,
            [
                says("My   name\nis Ada. " + "x" * 500),
                answers("Think", "analysis"),
                MessageAppended(message=call),
                MessageAppended(message=Message(role="tool", content="2", name="python")),
                answers("Let me see", "commentary"),
                answers("Hel", partial=True),
                answers("Hello"),
            ],
        )
        log.append(session.branch, 8, [says("Second"), SessionRenamed(name="countess")])
        fork = log.fork(session.branch, 1)
        log.append(fork.id, 2, [says("On a fork"), answers("Yes")])
        info = self.reader(log).session("countess")
        assert info.messages == 6
        assert info.preview == ("My name is Ada. " + "x" * 500)[:100]

    def test_renaming_follows_the_events(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.start("bob", SETTINGS)
        log.append(session.branch, 1, [SessionRenamed(name="countess")])
        assert self.reader(log).session("countess").id == session.id
        with pytest.raises(SessionNotFound):
            self.reader(log).session("ada")
        log.start("ada", SETTINGS)
        with pytest.raises(SessionExists):
            log.append(session.branch, 2, [says("hello"), SessionRenamed(name="bob")])
        assert self.reader(log).branch(session.branch).head == 2
        assert self.reader(log).session("countess").messages == 0
        log.append(session.branch, 2, [SessionRenamed(name="countess")])

    # Appending and reading

    def test_what_was_appended_is_read(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        artefact = Artefact(digest=log.put_blob(b"data"), name="plot.png", media_type="image/png", size=4)
        events: list[Event] = [
            says("héllo \U0001f600 \x00 \u2028"),
            *a_generation(),
            answers("hi"),
            ToolCalled(message=5, recipient="python"),
            ToolReturned(call=6, outcome="ok", duration_ms=5, artefacts=(artefact,)),
            SettingsChanged(settings=Settings(start_date="2026-01-31", reasoning_effort="high", context=1 << 20)),
            TokensSampled(ids=(), logprobs=()),
            TokensSampled(ids=tuple(range(0, 201_088, 997)), logprobs=tuple(-n / 7 for n in range(202))),
        ]
        stored = log.append(session.branch, 1, events[:4])
        stored += log.append(session.branch, 5, events[4:], durable=False)
        assert events_of(stored) == events
        assert [event.seq for event in stored] == list(range(2, len(events) + 2))
        assert self.read(log, session.branch, 1) == stored
        assert self.reader(log).branch(session.branch).head == len(events) + 1

    def test_positions_are_unique_and_rise_along_a_branch(self, log: EventLog) -> None:
        one, two = log.start("one", SETTINGS), log.start("two", SETTINGS)
        for seq in range(1, 5):
            log.append(one.branch, seq, [says("a")])
            log.append(two.branch, 2 * seq - 1, [says("b"), says("c")])
        fork = log.fork(one.branch, 2)
        paths = [[event.position for event in self.read(log, id)] for id in (one.branch, two.branch, fork.id)]
        assert all(path == sorted(path) for path in paths)
        assert len({position for path in paths for position in path}) == 5 + 9 + 1

    def test_reading_between(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says(str(n)) for n in range(20)])
        fork = log.fork(session.branch, 10)
        log.append(fork.id, 11, [says("on the fork")])
        whole = self.read(log, fork.id)
        assert [event.seq for event in whole] == list(range(1, 13))
        for after in range(14):
            for until in (None, 0, 1, 5, 9, 10, 11, 12, 99):
                expected = [e for e in whole if after < e.seq and (until is None or e.seq <= until)]
                assert self.read(log, fork.id, after, until) == expected

    def test_reading_is_lazy_and_bounded_by_the_head_at_its_start(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says("one"), says("two")])
        reading = iter(self.reader(log).read(session.branch))
        assert next(reading).seq == 1
        log.append(session.branch, 3, [says("three")])
        assert [event.seq for event in reading] == [2, 3]
        assert len(self.read(log, session.branch)) == 4

    def test_a_head_that_has_moved_is_a_conflict(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        other = self.open()
        other.append(session.branch, 1, [says("first")])
        for wrong in (0, 1, 3):
            with pytest.raises(HeadConflict) as caught:
                log.append(session.branch, wrong, [says("lost")])
            assert (caught.value.branch, caught.value.expected, caught.value.actual) == (session.branch, wrong, 2)
        log.append(session.branch, 2, [says("second")])
        with pytest.raises(HeadConflict):
            other.append(session.branch, 2, [says("lost")])
        other.append(session.branch, 3, [says("third")])
        other.close()
        texts = [e.message.content for e in events_of(self.read(log, session.branch)) if isinstance(e, MessageAppended)]
        assert texts == ["first", "second", "third"]

    def test_all_events_of_an_append_or_none(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        for refused in (
            SessionStarted(session=session.id, name="x", settings=SETTINGS),
            BranchForked(parent=session.branch, at_seq=1, name="x"),
            TokensSampled(ids=(1, -1)),
            says("\ud800"),
        ):
            with pytest.raises(HistoryError):
                log.append(session.branch, 1, [says("kept?"), refused])
        assert self.reader(log).branch(session.branch).head == 1
        assert self.reader(log).session("ada").messages == 0
        log.append(session.branch, 1, [says("hello")])

    def test_an_empty_append_only_checks_the_head(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        assert log.append(session.branch, 1, []) == []
        with pytest.raises(HeadConflict):
            log.append(session.branch, 2, [])
        assert self.reader(log).session("ada") == session

    def test_unknown_kinds_and_versions_are_kept(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        events: list[Event] = [
            UnknownEvent(name="DreamRecorded", schema_version=3, payload='{"of": "sheep",  "n":1}'),
            UnknownEvent(name="SessionRenamed", schema_version=99, payload='{"names":["a","b"]}'),
            UnknownEvent(name="TokensSampled", schema_version=2, payload="{}", tokens=b"\x01\xff"),
        ]
        log.append(session.branch, 1, events)
        assert events_of(self.read(log, session.branch, 1)) == events
        assert self.reader(log).session("ada").id == session.id

    # Forks

    def test_a_fork_shares_its_past(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says("one"), *a_generation(), says("two")])
        parent = self.read(log, session.branch)
        fork = log.fork(session.branch, 4, "other")
        assert (fork.session, fork.name, fork.parent, fork.at_seq, fork.head) == (
            session.id,
            "other",
            session.branch,
            4,
            5,
        )
        path = self.read(log, fork.id)
        assert path[:4] == parent[:4]
        assert path[4].event == BranchForked(parent=session.branch, at_seq=4, name="other")
        assert path[4].branch == fork.id
        log.append(fork.id, 5, [says("three")])
        log.append(session.branch, 8, [says("four")])
        assert [event.seq for event in self.read(log, fork.id)] == [1, 2, 3, 4, 5, 6]
        assert self.read(log, session.branch)[:8] == parent
        assert self.reader(log).branch(fork.id).head == 6

    def test_a_fork_below_its_parents_beginning(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says(str(n)) for n in range(9)])
        first = log.fork(session.branch, 8)
        log.append(first.id, 9, [says("on the first fork")])
        second = log.fork(first.id, 3)
        third = log.fork(second.id, 4)
        assert (second.parent, third.parent) == (first.id, second.id)
        root = self.read(log, session.branch)
        assert self.read(log, second.id)[:3] == root[:3]
        assert [event.branch for event in self.read(log, third.id)] == [session.branch] * 3 + [second.id, third.id]

    def test_forks_get_free_names(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        named = log.fork(session.branch, 1, "branch-3")
        names = [log.fork(session.branch, 1).name for _ in range(3)]
        assert len({*names, named.name, "main"}) == 5
        with pytest.raises(UsageError):
            log.fork(session.branch, 1, names[0])
        with pytest.raises(UsageError):
            log.fork(session.branch, 1, "main")
        branches = self.reader(log).branches(session.id)
        assert [branch.name for branch in branches] == ["main", "branch-3", *names]

    @pytest.mark.parametrize("at_seq", [-1, 0, 3])
    def test_a_fork_needs_an_event_to_start_from(self, log: EventLog, at_seq: int) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says("hello")])
        with pytest.raises(UsageError):
            log.fork(session.branch, at_seq)
        assert len(self.reader(log).branches(session.id)) == 1

    def test_the_current_branch_is_where_the_head_moved(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        fork = log.fork(session.branch, 1)
        assert self.reader(log).session("ada").branch == session.branch
        log.append(fork.id, 2, [HeadMoved(came_from=session.branch)])
        assert self.reader(log).session("ada").branch == fork.id
        log.append(session.branch, 1, [HeadMoved(came_from=fork.id)])
        assert self.reader(log).session("ada").branch == session.branch

    # Leases

    def test_one_writer_at_a_time_by_courtesy(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        assert self.reader(log).holder(session.branch) is None
        with log.acquire(session.branch) as lease:
            other = self.open()
            holder = self.reader(log).holder(session.branch)
            assert holder is not None
            assert holder.pid == os.getpid()
            with pytest.raises(BranchBusy) as caught:
                other.acquire(session.branch)
            assert (caught.value.pid, caught.value.host) == (holder.pid, holder.host)
            # Courtesy only: the head is what guards the branch.
            other.append(session.branch, 1, [says("all the same")])
            with other.acquire(session.branch, take_over=True):
                lease.release()
                assert self.reader(log).holder(session.branch) is not None
            other.acquire(session.branch).release()
            other.close()
        assert self.reader(log).holder(session.branch) is None
        with pytest.raises(SessionNotFound):
            log.acquire("nobody")

    def test_leases_are_of_one_branch_and_end_with_their_session(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        fork = log.fork(session.branch, 1)
        with log.acquire(session.branch), log.acquire(fork.id):
            log.delete(session.id)
        assert self.reader(log).sessions() == []

    # Search

    def search(self, log: EventLog, query: str, **request: Any) -> list[SearchHit]:
        return self.reader(log).search(SearchRequest(query=parse_query(query), **request))

    def test_what_was_said_is_found(self, log: EventLog) -> None:
        ada, bob = log.start("ada", SETTINGS), log.start("bob", replace(SETTINGS, developer_message="Speak of whales."))
        stored = log.append(
            ada.branch, 1, [says("Where do whales sleep, in the sea?"), answers("At sea; whales sleep.")]
        )
        fork = log.fork(ada.branch, 2, "other")
        log.append(fork.id, 3, [answers("Nobody knows."), answers("Of whales I dream", "analysis")])
        hits = self.search(log, "WHALES", session="ada")
        assert {(hit.session, hit.branch, hit.branch_name, hit.seq, hit.time, hit.role, hit.text) for hit in hits} == {
            ("ada", ada.branch, "main", 2, stored[0].time, "user", "Where do whales sleep, in the sea?"),
            ("ada", ada.branch, "main", 3, stored[1].time, "assistant", "At sea; whales sleep."),
        }
        assert [(hit.session, hit.seq, hit.role) for hit in self.search(log, "speak")] == [("bob", 1, "developer")]
        assert [hit.branch_name for hit in self.search(log, "knows")] == ["other"]
        assert [hit.seq for hit in self.search(log, "whales", roles=frozenset({"reasoning"}))] == [5]
        assert len(self.search(log, "whales")) == 3
        assert len(self.search(log, "whales", limit=2)) == 2
        assert self.search(log, "unicorns") == []
        # What comes later is found too.
        log.append(bob.branch, 1, [says("Unicorns?")])
        assert [hit.text for hit in self.search(log, "unicorns")] == ["Unicorns?"]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("whales sea", "ab"),
            ('"whales sleep"', "ab"),
            ('"sleep whales"', ""),
            ("whales -where", "b"),
            ("slee*", "ab"),
            ("ales", "ab"),  # within a word, where no word is such
            ("CAFE", "c"),
            ("cafés", "c"),
            ("++", "c"),
            ("c++ \U0001f433", "c"),
            ("東京", "c"),
            ("text:whales OR NEAR(", ""),
            ('"', None),
            ("-", ""),
            ("*", "c"),
            ("' OR 1=1 --", ""),
            ('sleep "unclosed phr', ""),
            ("-whales", "ab"),
        ],
    )
    def test_whatever_is_typed_is_a_query(self, log: EventLog, query: str, found: str | None) -> None:
        texts = {
            "a": "Where do whales sleep, in the sea?",
            "b": "At sea; whales sleep.",
            "c": "C++ in cafés: 東京都 \U0001f433 2 * 3 \x00",
        }
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says(text) for text in texts.values()])
        if found is None:
            with pytest.raises(UsageError):
                self.search(log, query)
        else:
            assert {hit.text for hit in self.search(log, query)} == {texts[name] for name in found}

    def test_the_best_comes_first_and_time_and_session_bound_it(self, log: EventLog) -> None:
        ada, bob = log.start("ada", SETTINGS), log.start("bob", SETTINGS)
        (once,) = log.append(ada.branch, 1, [says("whales " + "and so much else " * 20)])
        (often,) = log.append(bob.branch, 1, [says("whales, whales, whales")])
        assert [hit.session for hit in self.search(log, "whales")] == ["bob", "ada"]
        assert [hit.session for hit in self.search(log, "whales", session="ada")] == ["ada"]
        assert [hit.session for hit in self.search(log, "whales", until=often.time)] == ["ada"]
        assert [hit.session for hit in self.search(log, "whales", since=often.time)] == ["bob"]
        assert self.search(log, "whales", since=once.time, until=once.time) == []

    def test_a_message_that_was_completed_is_found_once(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        started = a_generation()[0]
        assert isinstance(started, GenerationStarted)
        cut = replace(answers("Whales sl", partial=True), generation=2)
        log.append(session.branch, 1, [started, cut, GenerationFinished(reason="interrupted")])
        assert [hit.text for hit in self.search(log, "whales")] == ["Whales sl"]
        log.append(session.branch, 4, [replace(started, continues=2), replace(answers("Whales sleep."), generation=5)])
        assert [hit.text for hit in self.search(log, "whales")] == ["Whales sleep."]

    def test_what_was_deleted_is_not_found(self, log: EventLog) -> None:
        gone, kept = log.start("gone", SETTINGS), log.start("kept", SETTINGS)
        log.append(gone.branch, 1, [says("whales")])
        log.append(kept.branch, 1, [says("whales")])
        assert len(self.search(log, "whales")) == 2
        log.append(gone.branch, 2, [says("whales again")])
        log.delete(gone.id)
        assert [hit.session for hit in self.search(log, "whales")] == ["kept"]
        log.append(kept.branch, 2, [says("whales for ever")])
        assert len(self.search(log, "whales")) == 2

    # Redaction

    def test_what_is_redacted_is_gone_and_the_rest_is_as_it_was(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says("My key is whales-1234."), answers("Noted."), says("Thanks.")])
        fork = log.fork(session.branch, 3, "other")
        before = self.read(log, fork.id)
        assert len(self.search(log, "whales")) == 1
        removed = log.redact(fork.id, 2, "a key")
        assert removed == Redaction(events=((2, "MessageAppended"),), elsewhere=0, blobs=0, erased=True)
        after = self.read(log, fork.id)
        assert after[1] == replace(before[1], event=says("[redacted]"), redacted=True)
        assert [after[0], *after[2:-1]] == [before[0], *before[2:]]
        assert after[-1].event == PayloadRedacted(seq=2, reason="a key")
        assert self.read(log, session.branch)[:2] == after[:2]
        assert self.search(log, "whales") == self.search(log, "redacted") == []
        assert self.reader(log).session("ada").preview == "[redacted]"
        log.append(fork.id, after[-1].seq, [says("Going on.")])
        with pytest.raises(UsageError):
            log.redact(fork.id, 2)

    @pytest.mark.parametrize("seq", [0, 1, 3, 9])
    def test_what_cannot_be_redacted(self, log: EventLog, seq: int) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says("hello"), SettingsChanged(settings=SETTINGS)])
        with pytest.raises(UsageError):
            log.redact(session.branch, seq)
        assert self.reader(log).branch(session.branch).head == 3

    def test_tokens_and_copies_go_with_a_message(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        started = a_generation()[0]
        reasoning, secret = (200005, 35644, 200008, 11, 12, 200007), (200006, 173781, 200005, 17196, 200008, 77, 78, 79)
        log.append(
            session.branch,
            1,
            [
                started,
                TokensSampled(ids=(*reasoning, *secret[:6]), logprobs=(-0.5,) * 12),
                replace(answers("thinking", "analysis"), generation=2, span=(0, 6)),
                TokensSampled(ids=secret[6:]),
                replace(answers("secr", partial=True), generation=2, span=(6, 14)),
                GenerationFinished(reason="interrupted"),
            ],
        )
        fork = log.fork(session.branch, 7)
        assert isinstance(started, GenerationStarted)
        log.append(
            fork.id,
            8,
            [
                replace(started, continues=2),
                TokensSampled(ids=(80, 200002)),
                replace(answers("secret"), generation=9, span=(6, 16)),
                GenerationFinished(reason="stop", stop_token=200002),
            ],
        )
        removed = log.redact(fork.id, 11)
        assert removed.events == (
            (3, "TokensSampled"),
            (5, "TokensSampled"),
            (6, "MessageAppended"),
            (10, "TokensSampled"),
            (11, "MessageAppended"),
        )
        events = events_of(self.read(log, fork.id))
        assert events[2] == TokensSampled(ids=(*reasoning, *secret[:5], 9))
        assert events[3] == replace(answers("thinking", "analysis"), generation=2, span=(0, 6))
        assert events[4] == TokensSampled(ids=(9, 9))
        assert events[9] == TokensSampled(ids=(9, 200002))
        assert events[5] == replace(answers("[redacted]", partial=True), generation=2)
        assert events[10] == replace(answers("[redacted]"), generation=9)
        fold(self.read(log, fork.id))
        fold(self.read(log, session.branch))

    def test_files_that_nobody_else_uses_go_with_the_call_that_made_them(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        own, shared = log.put_blob(b"own"), log.put_blob(b"shared")

        def returned(call: int, *digests: str) -> ToolReturned:
            artefacts = tuple(Artefact(digest=d, name="a", media_type="b", size=1) for d in digests)
            return ToolReturned(call=call, outcome="ok", artefacts=artefacts)

        result = MessageAppended(message=Message(role="tool", name="python", content="a page"))
        calls = [ToolCalled(message=1, recipient="python"), ToolCalled(message=1, recipient="python")]
        log.append(
            session.branch, 1, [calls[0], returned(2, own, shared), result, calls[1], returned(5, shared), result]
        )
        removed = log.redact(session.branch, 4)
        assert removed.events == ((3, "ToolReturned"), (4, "MessageAppended"))
        assert removed.blobs == 1
        with pytest.raises(StorageError):
            self.reader(log).get_blob(own)
        assert self.reader(log).get_blob(shared) == b"shared"
        assert log.redact(session.branch, 6).events == ((6, "ToolReturned"), (7, "MessageAppended"))
        with pytest.raises(StorageError):
            self.reader(log).get_blob(shared)

    def test_a_redacted_session_can_be_restored(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        log.append(session.branch, 1, [says("secret"), answers("Noted.")])
        log.redact(session.branch, 2)
        records = list(self.reader(log).records(session.branch))
        whole = self.read(log, session.branch)
        log.delete(session.id)
        log.restore([SessionRecords(id=session.id, name="ada", branch=session.branch, records=records)])
        restored = self.read(log, session.branch)
        assert list(self.reader(log).records(session.branch)) == records
        assert [(e.seq, e.event, e.redacted) for e in restored] == [(e.seq, e.event, e.redacted) for e in whole]
        forged = [replace(record, payload=(record.payload or "").replace("[red", "[Red")) for record in records]
        with pytest.raises(RecordRefused):
            log.restore([SessionRecords(id="0" * 16, name="b", branch=session.branch, records=forged)])

    def test_collecting_removes_what_nothing_refers_to(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        digest = log.put_blob(b"nobody's")
        with log.acquire(session.branch):
            assert log.collect().blobs is None
        assert self.reader(log).get_blob(digest) == b"nobody's"
        assert log.collect(thorough=True).blobs == 1
        with pytest.raises(StorageError):
            self.reader(log).get_blob(digest)
        assert len(self.read(log, session.branch)) == 1

    # Blobs and deletion

    def test_blobs_are_stored_once_under_their_digest(self, log: EventLog) -> None:
        digest = log.put_blob(b"data")
        assert log.put_blob(b"data") == digest
        assert len(digest) == 64
        assert self.reader(log).get_blob(digest) == b"data"
        assert self.reader(log).get_blob(log.put_blob(b"")) == b""
        with pytest.raises(StorageError):
            self.reader(log).get_blob("0" * 64)

    def test_an_artefact_must_be_stored_before_it_is_referred_to(self, log: EventLog) -> None:
        session = log.start("ada", SETTINGS)
        missing = Artefact(digest="0" * 64, name="a", media_type="b", size=1)
        with pytest.raises(StorageError):
            log.append(session.branch, 1, [ToolReturned(call=1, outcome="ok", artefacts=(missing,))])
        assert self.reader(log).branch(session.branch).head == 1

    def test_deleting_a_session_removes_it_and_what_only_it_refers_to(self, log: EventLog) -> None:
        gone, kept = log.start("gone", SETTINGS), log.start("kept", SETTINGS)
        shared, own, loose = log.put_blob(b"shared"), log.put_blob(b"own"), log.put_blob(b"not referred to yet")

        def returned(*digests: str) -> ToolReturned:
            artefacts = tuple(Artefact(digest=d, name="a", media_type="b", size=1) for d in digests)
            return ToolReturned(call=1, outcome="ok", artefacts=artefacts)

        log.append(gone.branch, 1, [returned(shared, own), returned(own)])
        log.append(kept.branch, 1, [returned(shared)])
        fork = log.fork(gone.branch, 2)
        log.fork(fork.id, 2)
        before = self.read(log, kept.branch)
        log.delete(gone.id)
        reader = self.reader(log)
        assert [session.name for session in reader.sessions()] == ["kept"]
        for branch in (gone.branch, fork.id):
            with pytest.raises(SessionNotFound):
                list(reader.read(branch))
            with pytest.raises(SessionNotFound):
                log.append(branch, 3, [says("hello")])
        assert reader.get_blob(shared) == b"shared"
        assert reader.get_blob(loose) == b"not referred to yet"
        with pytest.raises(StorageError):
            reader.get_blob(own)
        assert self.read(log, kept.branch) == before
        again = log.start("gone", SETTINGS)
        assert again.id != gone.id
        assert len(self.read(log, again.branch)) == 1
