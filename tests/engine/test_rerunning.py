"""Asking again gives the same tokens, a changed model is named at its first token, and turns can be answered anew."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.errors import HistoryError
from gptoss.engine.events import GenerationStarted, MessageAppended, StoredEvent, TokensSampled
from gptoss.engine.generations import recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.parsing import TextDelta
from gptoss.engine.redoing import answer_anew
from gptoss.engine.reducer import fold
from gptoss.engine.rerunning import rerun
from gptoss.engine.scoring import compare, score
from gptoss.engine.settings import Sampling, Settings
from gptoss.storage.memory import MemoryLog
from tests.engine.harmony_text import tokens
from tests.engine.test_conversation import ANSWER, CALL, RESULT, Adder, open_conversation
from tests.engine.test_verification import MALFORMED, recorded

REPLIES = st.lists(st.sampled_from([ANSWER, CALL, RESULT, MALFORMED, "Hello<|return|>"]), min_size=1, max_size=5)


def script(history: Sequence[StoredEvent], harmony: Harmony) -> ScriptedGenerator:
    """A model that says again what was said: each generation's own tokens."""
    return ScriptedGenerator([generation.ids for generation in recorded_generations(history, harmony)])


@settings(max_examples=30)
@given(REPLIES, st.one_of(st.none(), st.integers(0, 8)))
def test_the_same_model_says_the_same(harmony: Harmony, replies: list[str], cut_after: int | None) -> None:
    history = recorded(harmony, [*replies, *[RESULT] * 6], cut_after)
    generations = list(recorded_generations(history, harmony))
    started = [stored.event for stored in history if isinstance(stored.event, GenerationStarted)]
    assert [generation.started for generation in generations] == started
    sampled = [token for s in history if isinstance(s.event, TokensSampled) for token in s.event.ids]
    assert [token for generation in generations for token in generation.ids] == sampled
    # Those without a token are not asked again, so the script does not have them either.
    generator = ScriptedGenerator([generation.ids for generation in generations if generation.ids])
    runs = list(rerun(generations, generator))
    assert [run.difference for run in runs] == [None] * len(runs)
    assert generator.prompts == [generation.prompt.ids for generation in generations if generation.ids]
    assert sum(run.same for run in runs) == len(sampled)


def test_a_model_that_says_otherwise_is_named_at_its_first_token(harmony: Harmony) -> None:
    history = recorded(harmony, [ANSWER, ANSWER])
    ids = tokens(harmony, ANSWER)
    other = [*ids[:5], 13, *ids[6:]]
    runs = list(rerun(recorded_generations(history, harmony), ScriptedGenerator([ids, other])))
    assert runs[0].difference is None
    difference = runs[1].difference
    assert difference is not None
    assert (difference.index, difference.recorded, difference.sampled) == (5, ids[5], 13)
    assert difference.recorded_logprob == difference.sampled_logprob  # this model knows nothing
    short = list(rerun(recorded_generations(history, harmony), ScriptedGenerator([ids[:3], ids])))
    assert short[0].difference is not None
    assert (short[0].difference.index, short[0].difference.sampled) == (3, None)


def test_a_prompt_that_cannot_be_derived_is_an_error_and_no_other_question(harmony: Harmony) -> None:
    history = recorded(harmony, [ANSWER, ANSWER])
    other = replace(history[0], event=replace(history[0].event, settings=Settings(start_date="2026-01-03")))
    with pytest.raises(HistoryError, match="gptoss verify"):
        list(recorded_generations([other, *history[1:]], harmony))


def test_scores_go_with_their_tokens_and_recorded_log_probabilities(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER], log := MemoryLog(), sampling=Sampling(logprobs=True))
    list(conversation.say("Hello"))
    conversation.close()
    generations = list(recorded_generations(log.read(conversation.branch), harmony))
    (scored,) = score(generations, ScriptedGenerator([]))
    assert [item.token for item in scored.scores] == tokens(harmony, ANSWER) == list(scored.generation.ids)
    assert scored.generation.logprobs is not None
    comparison = compare([item.logprob for item in scored.scores], scored.generation.logprobs)
    assert comparison is not None
    assert (comparison.tokens, comparison.largest) == (len(scored.scores), 0.0)


def test_a_comparison_finds_the_largest_difference() -> None:
    found = compare([-1.0, -2.0, -3.0], [-1.0, -2.5, -2.9], [1])
    assert found is not None
    assert (found.tokens, found.at, found.largest, found.disagreements) == (3, 1, 0.5, (1,))
    assert found.mean == pytest.approx(0.2)
    assert compare([], []) is None


def test_turns_are_answered_anew_with_recorded_results_and_no_tool_runs(harmony: Harmony) -> None:
    log = MemoryLog()
    tool = Adder()
    conversation = open_conversation(harmony, [CALL, RESULT, ANSWER], log, tools={"python": tool})
    list(conversation.say("1 + 1?"))
    list(conversation.say("Hello"))
    conversation.close()
    history = list(log.read(conversation.branch))
    fork = log.fork(conversation.branch, 1, "anew")
    calls = len(tool.calls)
    updates = list(answer_anew(log, fork.id, history, harmony=harmony, generator=script(history, harmony)))
    assert len(tool.calls) == calls
    assert "It is 2." in "".join(update.text for update in updates if isinstance(update, TextDelta))

    def said(branch: str) -> list[Any]:
        return [(e.message, e.tokens) for e in fold(log.read(branch)).entries]

    assert said(fork.id) == said(conversation.branch)
    seeds = [s.event.sampling.seed for s in log.read(fork.id) if isinstance(s.event, GenerationStarted)]
    assert seeds == [s.event.sampling.seed for s in history if isinstance(s.event, GenerationStarted)]


def test_another_model_may_call_what_was_never_called(harmony: Harmony) -> None:
    log = MemoryLog()
    conversation = open_conversation(harmony, [CALL, RESULT], log, tools={"python": Adder()})
    list(conversation.say("1 + 1?"))
    conversation.close()
    other = "<|channel|>analysis to=python code<|message|>print(2 + 2)<|call|>"
    generator = ScriptedGenerator([tokens(harmony, reply) for reply in (other, RESULT)])
    fork = log.fork(conversation.branch, 1, "anew")
    history = list(log.read(conversation.branch))
    list(answer_anew(log, fork.id, history, harmony=harmony, generator=generator))
    results = [
        stored.event.message.content
        for stored in log.read(fork.id)
        if isinstance(stored.event, MessageAppended) and stored.event.message.role == "tool"
    ]
    assert results == ["Error: this is a rerun, and the recording has no such call."]
