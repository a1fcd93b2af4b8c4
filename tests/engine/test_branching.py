"""Forks and undo over a real log: nothing is lost, and there is always a way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.branching import fork, parse_point, switch, turn_seqs, undo
from gptoss.engine.errors import UsageError
from gptoss.engine.events import MessageAppended
from gptoss.engine.message import Message
from gptoss.engine.ports import SessionInfo
from gptoss.engine.reducer import fold
from gptoss.engine.settings import Settings
from gptoss.storage.memory import MemoryLog


def chat(turns: int) -> MemoryLog:
    log = MemoryLog()
    session = log.start("a", Settings(start_date="2026-01-02"))
    for turn in range(1, turns + 1):
        say(log, session, f"q{turn}", f"a{turn}")
    return log


def say(log: MemoryLog, session: SessionInfo, question: str, answer: str) -> None:
    branch = log.branch(log.session(session.name).branch)
    log.append(
        branch.id,
        branch.head,
        [
            MessageAppended(message=Message(role="user", content=question)),
            MessageAppended(message=Message(role="assistant", channel="final", content=answer)),
        ],
    )


def texts(log: MemoryLog) -> list[str]:
    return [entry.message.content for entry in fold(log.read(log.session("a").branch)).entries]


def test_undo_goes_back_a_turn_and_the_old_branch_stays() -> None:
    log = chat(3)
    old = log.session("a").branch
    undo(log, log.session("a"))
    assert texts(log) == ["q1", "a1", "q2", "a2"]
    say(log, log.session("a"), "other", "answer")
    assert texts(log)[-2:] == ["other", "answer"]
    assert [entry.message.content for entry in fold(log.read(old)).entries][-2:] == ["q3", "a3"]
    switch(log, log.session("a"), "main")
    assert texts(log)[-2:] == ["q3", "a3"]


def test_undo_of_more_than_there_is_says_how_many_there_are() -> None:
    for turns, sentence in ((2, "2 turns"), (0, "no turn to undo")):
        log = chat(turns)
        with pytest.raises(UsageError, match=sentence):
            undo(log, log.session("a"), 3)


def test_points_are_seqs_or_turns() -> None:
    log = chat(3)
    branch = log.session("a").branch
    assert turn_seqs(log, branch) == [2, 4, 6]
    assert [parse_point(log, branch, point) for point in ("1", "5", "t1", "t2", "T3")] == [1, 5, 3, 5, 7]
    for wrong in ("", "x", "0", "8", "t0", "t4", "-1", "1.5"):
        with pytest.raises(UsageError):
            parse_point(log, branch, wrong)


def test_a_name_that_is_taken_or_unknown_is_refused() -> None:
    log = chat(1)
    fork(log, log.session("a"), 2, "idea")
    with pytest.raises(UsageError):
        fork(log, log.session("a"), 2, "idea")
    with pytest.raises(UsageError, match="idea, main"):
        switch(log, log.session("a"), "nowhere")


def test_a_fork_of_what_was_inherited_is_a_child_of_the_branch_that_holds_it() -> None:
    log = chat(3)
    main = log.session("a").branch
    undo(log, log.session("a"))
    assert fork(log, log.session("a"), 3).parent == main
    assert fork(log, log.session("a"), 2).parent == main


@given(st.integers(1, 4), st.data())
def test_a_fork_folds_to_its_parent_at_that_point(turns: int, data: st.DataObject) -> None:
    log = chat(turns)
    parent = log.session("a").branch
    at = data.draw(st.integers(1, log.branch(parent).head))
    branch = fork(log, log.session("a"), at)
    forked = fold(log.read(branch.id))
    original = fold(log.read(parent, until=at))
    assert forked.entries == original.entries
    assert forked.seq == at + 2  # BranchForked and HeadMoved
    assert log.session("a").branch == branch.id
