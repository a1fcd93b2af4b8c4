"""An archive is the session: what is imported is what was exported, whatever was in it."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gptoss.engine.events import Artefact, Event, HeadMoved, SessionRenamed, ToolReturned
from gptoss.engine.ports import EventLog
from gptoss.storage.memory import MemoryLog
from gptoss.storage.sql import SqlLog
from gptoss.transcripts.archive import ArchiveProblem, archive, read_archive
from tests.contracts.event_log import SETTINGS, says
from tests.contracts.restoring import an_eventful_session
from tests.storage.events import appendable


def exported(log: EventLog, name: str) -> list[str]:
    return list(archive(log, log.session(name)))


def imported(lines: Sequence[str], into: EventLog) -> None:
    into.restore([session.records for session in read_archive([line.encode() for line in lines])])


def everything(log: EventLog, name: str) -> object:
    """All that a log knows of a session, but the keys of its rows."""
    session = log.session(name)
    branches = log.branches(session.id)
    paths = [[replace(stored, position=0) for stored in log.read(branch.id)] for branch in branches]
    return session, branches, paths


step = st.one_of(
    st.lists(appendable, max_size=6),
    st.tuples(st.just("fork"), st.floats(0, 1)),
    st.tuples(st.just("blob"), st.binary(max_size=30)),
    st.tuples(st.just("rename"), st.text("abc", min_size=1, max_size=5)),
    st.tuples(st.just("switch"), st.floats(0, 1)),
)


def take(log: EventLog, step: object, branches: list[str]) -> None:
    at = branches[-1]
    head = log.branch(at).head
    events: list[Event] = []
    match step:
        case ("fork", float(share)):
            parent = branches[int(share * (len(branches) - 1))]
            seq = max(1, int(share * log.branch(parent).head))
            branches.append(log.fork(parent, seq).id)
            return
        case ("blob", bytes(data)):
            artefact = Artefact(digest=log.put_blob(data), name="a", media_type="b/c", size=len(data))
            events = [ToolReturned(call=1, outcome="ok", artefacts=(artefact,))]
        case ("rename", str(name)):
            events = [SessionRenamed(name=name)]
        case ("switch", float(share)):
            at = branches[int(share * (len(branches) - 1))]
            head = log.branch(at).head
            events = [HeadMoved(came_from=branches[-1])]
        case [*given]:
            events = given
    log.append(at, head, events)


@given(steps=st.lists(step, max_size=8))
@settings(max_examples=60)
def test_import_is_the_inverse_of_export(steps: list[object]) -> None:
    log = MemoryLog()
    branches = [log.start("a", SETTINGS).branch]
    for step in steps:
        take(log, step, branches)
    (session,) = log.sessions()
    lines = exported(log, session.name)
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    other = MemoryLog()
    imported(lines, other)
    assert everything(other, session.name) == everything(log, session.name)
    assert exported(other, session.name) == lines


def test_between_a_file_and_memory(tmp_path_factory: pytest.TempPathFactory) -> None:
    on_disk = SqlLog(tmp_path_factory.mktemp("archive") / "log.db")
    session = an_eventful_session(on_disk)
    lines = exported(on_disk, session.name)
    memory = MemoryLog()
    imported(lines, memory)
    assert everything(memory, session.name) == everything(on_disk, session.name)
    assert exported(memory, session.name) == lines
    on_disk.delete(session.id)
    imported(lines, on_disk)
    assert exported(on_disk, session.name) == lines
    on_disk.close()


def test_one_branch_up_to_an_event_is_an_archive_too() -> None:
    log = MemoryLog()
    session = an_eventful_session(log)
    for branch in log.branches(session.id):
        for until in (*range(1, branch.head + 1), None):
            lines = list(archive(log, session, branch, until))
            other = MemoryLog()
            imported(lines, other)
            (restored,) = other.sessions()
            expected = [record.hash for record in log.records(branch.id, until=until)]
            found = [record.hash for record in other.records(restored.branch)]
            # What it is called and where its head is may differ by then, and so be said by events of the import.
            assert found[: len(expected)] == expected
            assert len(found) <= len(expected) + 3


def test_several_sessions_in_one_file() -> None:
    log = MemoryLog()
    an_eventful_session(log)
    bob = log.start("bob", SETTINGS)
    log.append(bob.branch, 1, [says("Hello")])
    lines = exported(log, "countess") + exported(log, "bob")
    other = MemoryLog()
    imported(lines, other)
    assert [everything(other, name) for name in ("bob", "countess")] == [
        everything(log, name) for name in ("bob", "countess")
    ]


def test_a_bad_line_is_named() -> None:
    log = MemoryLog()
    lines = [line.encode() for line in exported(log, an_eventful_session(log).name)]
    bad: dict[int, bytes] = {
        2: b'{"type":"event","payload":' + b"[" * 100_000,
        3: b"{",
        4: b'{"type":"event"}',
        5: b'{"type":"moon"}',
        6: lines[5].replace(b'"hash":"', b'"hash":"x'),
    }
    for number, line in bad.items():
        with pytest.raises(ArchiveProblem) as caught:
            read_archive([*lines[: number - 1], line, *lines[number:]])
        assert caught.value.line == number
        assert str(caught.value).startswith(f"line {number}: ")
    with pytest.raises(ArchiveProblem, match="line 1: "):
        read_archive(lines[1:])
    with pytest.raises(ArchiveProblem, match="cut short: 2 of its lines are missing"):
        read_archive(lines[:-2])
    newer = json.dumps(json.loads(lines[0]) | {"version": 2}).encode()
    with pytest.raises(ArchiveProblem, match="newer"):
        read_archive([newer, *lines[1:]])
