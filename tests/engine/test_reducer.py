"""The fold: the same however a history is cut, and never silent about one that cannot be."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import (
    ContextTrimmed,
    Event,
    GenerationFinished,
    GenerationStarted,
    HeadMoved,
    MessageAppended,
    ParseRecovered,
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
from gptoss.engine.reducer import fold
from gptoss.engine.sequence import AppendSequence
from gptoss.engine.settings import Sampling, Settings

START = SessionStarted(session="s", name="s", settings=Settings(start_date="2026-01-02"))


def stored(events: list[Event]) -> list[StoredEvent]:
    return [StoredEvent(branch="b", seq=seq, position=seq, time=0, event=event) for seq, event in enumerate(events, 1)]


def generation(continues: int | None = None) -> GenerationStarted:
    return GenerationStarted(
        backend="b", model="m", sampling=Sampling(), prompt_length=1, prompt_hash="", rendering="", continues=continues
    )


def said(role: Any, text: str, **rest: Any) -> MessageAppended:
    channel = "final" if role == "assistant" else None
    return MessageAppended(message=Message(role=role, content=text, channel=channel), **rest)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Histories that an engine could write: turns, tool calls, cut-off generations that are continued or left."""
    events: list[Event] = [START]
    for _ in range(draw(st.integers(0, 5))):
        events.append(said("user", draw(st.text(max_size=5))))
        newest, total = None, 0
        for part in range(draw(st.integers(1, 3))):
            events.append(generation(newest))
            newest = len(events)
            for _ in range(draw(st.integers(0, 3))):
                ids = draw(st.lists(st.integers(0, 9), min_size=1, max_size=5))
                events.append(TokensSampled(ids=tuple(ids)))
                total += len(ids)
            cut = draw(st.booleans()) or part < 2
            if total:
                events.append(said("assistant", "x", generation=newest, span=(0, total), partial=cut))
            events.append(GenerationFinished(reason="crashed" if cut else "stop"))
            if not cut:
                break
        other = draw(
            st.sampled_from(
                [
                    None,
                    SessionRenamed(name="t"),
                    HeadMoved(came_from="b"),
                    ContextTrimmed(through=2, dropped_tokens=9),
                    ParseRecovered(generation=2, span=(0, 1), problem="p"),
                    UnknownEvent(name="FromTheFuture", schema_version=3, payload="{}"),
                    SettingsChanged(settings=Settings(start_date="2026-01-02", reasoning_effort="high")),
                ]
            )
        )
        if other is not None:
            events.append(other)
        if draw(st.booleans()):
            events.append(ToolCalled(message=2, recipient="python"))
            events.append(ToolReturned(call=len(events), outcome="ok"))
    return events


@given(histories(), st.data())
def test_a_fold_equals_the_fold_of_a_prefix_and_then_the_rest(events: list[Event], data: st.DataObject) -> None:
    history = stored(events)
    cut = data.draw(st.integers(1, len(history)))
    prefix = fold(history[:cut])
    kept = fold(history[:cut])
    assert fold(history[cut:], prefix) == fold(history)
    # States are values: folding on from one does not change it.
    assert prefix == kept
    assert fold(history[cut:], prefix) == fold(history)


@given(histories())
def test_every_event_is_accounted_for(events: list[Event]) -> None:
    state = fold(stored(events))
    assert state.seq == len(events)
    assert state.turn == sum(isinstance(e, MessageAppended) and e.message.role == "user" for e in events)
    assert [entry.seq for entry in state.entries] == sorted(entry.seq for entry in state.entries)


def test_a_continuation_takes_over_the_tokens_and_the_place_of_the_partial_message() -> None:
    history = stored(
        [
            START,
            said("user", "Hi"),
            generation(),
            TokensSampled(ids=(1, 2)),
            said("assistant", "Hel", generation=3, span=(0, 2), partial=True),
            GenerationFinished(reason="crashed"),
            generation(continues=3),
            TokensSampled(ids=(3,)),
            said("assistant", "Hello", generation=7, span=(0, 3)),
            GenerationFinished(reason="stop"),
        ]
    )
    state = fold(history)
    assert [entry.message.content for entry in state.entries] == ["Hi", "Hello"]
    assert state.entries[-1].tokens == (1, 2, 3)
    assert state.generation is not None
    assert (state.generation.origin, state.generation.inherited) == (3, 2)
    assert state.generation.ids == AppendSequence([1, 2, 3])


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        ([], "without events"),
        ([SessionRenamed(name="x")], "must begin with SessionStarted"),
        ([START, TokensSampled(ids=(1,))], "no running generation"),
        ([START, GenerationFinished(reason="stop")], "no running generation"),
        ([START, generation(continues=9)], "not the newest"),
        ([START, said("assistant", "x", generation=2, span=(0, 1))], "not the newest"),
        ([START, generation(), said("assistant", "x", generation=2, span=(0, 1))], "never sampled"),
        ([START, ToolReturned(call=9, outcome="ok")], "no open tool call"),
    ],
)
def test_a_history_that_cannot_be_is_refused(events: list[Event], sentence: str) -> None:
    with pytest.raises(HistoryError, match=sentence):
        fold(stored(events))


def test_a_gap_is_refused() -> None:
    history = stored([START, said("user", "a"), said("user", "b")])
    with pytest.raises(HistoryError, match="event 3 follows event 1"):
        fold([history[0], history[2]])
