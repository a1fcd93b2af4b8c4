"""A conversation that outgrows its context goes on: the oldest turns leave the prompt, and nothing leaves the log."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.errors import ContextFull
from gptoss.engine.events import ContextTrimmed, GenerationFinished, GenerationStarted, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.rendering import render_prompt
from gptoss.engine.settings import ContextPolicy, Settings
from gptoss.engine.verification import verify
from gptoss.storage.memory import MemoryLog
from tests.engine.harmony_text import tokens

SYSTEM = 90
"""Tokens, at the most, of the system message and the model's cue."""


def chat(
    harmony: Harmony, context: int, answers: list[int], *, policy: ContextPolicy = "trim", keep_reasoning: bool = False
) -> tuple[MemoryLog, Conversation]:
    """A conversation whose next answers think for a few words and then say so many words."""
    log = MemoryLog()
    setting = Settings(start_date="2026-01-02", context=context, context_policy=policy, keep_reasoning=keep_reasoning)
    branch = log.start("a", setting).branch
    replies = [
        "<|channel|>analysis<|message|>I think.<|end|><|start|>assistant<|channel|>final<|message|>"
        + " so" * words
        + "<|return|>"
        for words in answers
    ]
    generator = ScriptedGenerator([tokens(harmony, reply) for reply in replies])
    return log, Conversation(log, branch, harmony=harmony, generator=generator, seed=lambda: 7)


def test_the_oldest_turns_go_and_the_rest_stays(harmony: Harmony) -> None:
    log, conversation = chat(harmony, 400, [60] * 8)
    for number in range(8):
        list(conversation.say(f"question {number}"))
    cuts = [stored.event for stored in log.read(conversation.branch) if isinstance(stored.event, ContextTrimmed)]
    assert cuts
    prompt = render_prompt(conversation.state, harmony)
    text = harmony.decode(prompt.ids)
    assert "Current date" in text
    assert "question 0" not in text
    assert "question 7" in text
    assert {dropped.reason for dropped in prompt.dropped} == {"trimmed", "reasoning of an earlier turn"}
    assert sum(entry.message.role == "user" for entry in conversation.state.entries) == 8
    assert verify(log.read(conversation.branch), harmony).drift is None


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 120), min_size=1, max_size=8),
    st.integers(SYSTEM + 150, 700),
    st.booleans(),
)
def test_no_prompt_and_no_answer_outgrows_the_context(
    harmony: Harmony, answers: list[int], context: int, keep_reasoning: bool
) -> None:
    # An answer that is cut off goes on after a trim, and the script then needs it once more.
    log, conversation = chat(harmony, context, [w for w in answers for _ in range(2)], keep_reasoning=keep_reasoning)
    for number, _ in enumerate(answers):
        list(conversation.say(f"question {number}"))
    history = list(log.read(conversation.branch))
    used = 0
    for stored in history:
        if isinstance(stored.event, GenerationStarted):
            used = stored.event.prompt_length
        elif isinstance(stored.event, TokensSampled):
            used += len(stored.event.ids)
        assert used <= context
    assert verify(history, harmony).drift is None


def test_an_answer_that_reaches_the_limit_goes_on_once_earlier_turns_have_made_room(harmony: Harmony) -> None:
    log = MemoryLog()
    branch = log.start("a", Settings(start_date="2026-01-02", context=250)).branch
    first = tokens(harmony, "<|channel|>final<|message|>" + " so" * 80 + "<|return|>")
    second = tokens(harmony, "<|channel|>final<|message|>" + " yes" * 100 + "<|return|>")
    conversation = Conversation(
        log, branch, harmony=harmony, generator=ScriptedGenerator([first, second, second]), seed=lambda: 7
    )
    list(conversation.say("one"))
    list(conversation.say("two"))
    last = conversation.state.last
    assert last is not None
    assert (last.message.content, last.partial) == (" yes" * 100, False)
    reasons = [stored.event.reason for stored in log.read(branch) if isinstance(stored.event, GenerationFinished)]
    assert reasons == ["stop", "length", "stop"]
    assert verify(log.read(branch), harmony).drift is None


def test_the_policy_error_refuses_and_loses_nothing(harmony: Harmony) -> None:
    log, conversation = chat(harmony, 230, [100, 5], policy="error")
    list(conversation.say("one"))
    before = conversation.state.seq
    with pytest.raises(ContextFull, match="--context-policy trim"):
        list(conversation.say("two " * 60))
    assert conversation.state.seq == before
    assert not any(isinstance(stored.event, ContextTrimmed) for stored in log.read(conversation.branch))


def test_a_message_that_is_too_long_by_itself_is_refused_whatever_the_policy(harmony: Harmony) -> None:
    _, conversation = chat(harmony, 300, [5, 5])
    list(conversation.say("one"))
    before = conversation.state.seq
    with pytest.raises(ContextFull):
        list(conversation.say("two " * 400))
    assert conversation.state.seq == before


def test_reasoning_of_earlier_turns_stays_when_the_settings_keep_it(harmony: Harmony) -> None:
    for keep in (True, False):
        log, conversation = chat(harmony, 4000, [3, 3], keep_reasoning=keep)
        list(conversation.say("one"))
        list(conversation.say("two"))
        started = [s.event for s in log.read(conversation.branch) if isinstance(s.event, GenerationStarted)]
        assert {event.rendering for event in started} == {"harmony-1+reasoning" if keep else "harmony-1"}
        assert ("I think." in harmony.decode(render_prompt(conversation.state, harmony).ids[:-20])) or not keep
        assert verify(log.read(conversation.branch), harmony).drift is None
