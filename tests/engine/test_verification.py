"""What the engine writes verifies; every kind of change to it is caught in its layer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gptoss.engine.events import (
    GenerationFinished,
    GenerationStarted,
    MessageAppended,
    SessionStarted,
    StoredEvent,
    TokensSampled,
)
from gptoss.engine.harmony import Harmony
from gptoss.engine.parsing import TextDelta
from gptoss.engine.settings import Settings
from gptoss.engine.verification import verify
from gptoss.storage.memory import MemoryLog
from tests.engine.test_conversation import ANSWER, CALL, RESULT, Adder, open_conversation

MALFORMED = (
    "<|start|>assistant<|channel|><|message|>Hi<|end|> junk <|start|>assistant<|channel|>final<|message|>x<|return|>"
)


def recorded(harmony: Harmony, replies: list[str], cut_after: int | None = None) -> list[StoredEvent]:
    """The history of a chat, interrupted after some text deltas and continued when `cut_after` says so."""
    log = MemoryLog()
    shown = 0

    def cancelled() -> bool:
        return cut_after is not None and shown == cut_after

    script = replies if cut_after is None else [replies[0], *replies]
    conversation = open_conversation(harmony, script, log, tools={"python": Adder()}, cancelled=cancelled)
    for update in conversation.say("Hello"):
        shown += isinstance(update, TextDelta)
    shown = -1
    list(conversation.proceed())
    list(conversation.say("And now?"))
    return list(log.read(conversation.branch))


@given(
    st.lists(st.sampled_from([ANSWER, CALL, RESULT, MALFORMED, "Hello<|return|>", "<|return|>"]), min_size=12),
    st.one_of(st.none(), st.integers(0, 8)),
)
def test_whatever_the_engine_writes_verifies(harmony: Harmony, replies: list[str], cut_after: int | None) -> None:
    replies = [*replies[:6], *[RESULT] * 6]
    history = recorded(harmony, replies, cut_after)
    verified = verify(history, harmony)
    assert verified.drift is None
    assert verified.events == len(history)
    assert verified.prompts == sum(isinstance(stored.event, GenerationStarted) for stored in history)


def changed(history: list[StoredEvent], kind: type, **fields: Any) -> list[StoredEvent]:
    """The history with some fields of its last event of a kind replaced."""
    at = max(index for index, stored in enumerate(history) if type(stored.event) is kind)
    event = replace(history[at].event, **fields)
    return [*history[:at], replace(history[at], event=event), *history[at + 1 :]]


def test_each_fault_is_caught_in_its_layer(harmony: Harmony) -> None:
    history = recorded(harmony, [CALL, RESULT, ANSWER])
    sampled = next(stored.event for stored in reversed(history) if isinstance(stored.event, TokensSampled))
    other_day = replace(history[0], event=replace(history[0].event, settings=Settings(start_date="2026-01-03")))
    keeping = replace(
        history[0], event=replace(history[0].event, settings=replace(history[0].event.settings, keep_reasoning=True))
    )
    faults = {
        "a missing event": (history[:4] + history[5:], "fold"),
        "another system date": ([other_day, *history[1:]], "prompt"),
        "another reasoning policy": ([keeping, *history[1:]], "prompt"),
        "a renderer of another version": (changed(history, GenerationStarted, rendering="harmony-0"), "prompt"),
        "another prompt": (changed(history, GenerationStarted, prompt_hash="0" * 32), "prompt"),
        "a changed token": (changed(history, TokensSampled, ids=(*sampled.ids[:-2], 13, sampled.ids[-1])), "parse"),
        "reordered tokens": (changed(history, TokensSampled, ids=tuple(reversed(sampled.ids))), "parse"),
        "a changed message": (changed(history, MessageAppended, partial=True), "parse"),
    }
    for fault, (tampered, layer) in faults.items():
        drift = verify(tampered, harmony).drift
        assert drift is not None, fault
        assert drift.layer == layer, (fault, drift)
        assert drift.problem


@pytest.mark.parametrize("kind", [SessionStarted, GenerationFinished])
def test_a_history_that_ends_early_is_checked_as_far_as_it_goes(harmony: Harmony, kind: type) -> None:
    history = recorded(harmony, [ANSWER, ANSWER])
    end = next(index for index, stored in enumerate(history) if type(stored.event) is kind)
    verified = verify(history[: end + 1], harmony)
    assert (verified.drift, verified.events) == (None, end + 1)
