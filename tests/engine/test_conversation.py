"""Turns over a real log and a scripted model: tools, interruptions, crashes, continuations."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.conversation import Conversation, next_step
from gptoss.engine.errors import ContextFull, GenerationFailed
from gptoss.engine.events import (
    Event,
    GenerationFinished,
    GenerationStarted,
    ParseRecovered,
    StoredEvent,
    ToolCalled,
    ToolReturned,
)
from gptoss.engine.harmony import Harmony
from gptoss.engine.parsing import MessageBegun, TextDelta
from gptoss.engine.ports import ToolCall, ToolResult
from gptoss.engine.recovery import tool_message
from gptoss.engine.reducer import fold
from gptoss.engine.settings import Sampling, Settings, ToolSpec
from gptoss.engine.updates import Update
from gptoss.storage.memory import MemoryLog
from tests.engine.harmony_text import tokens

SETTINGS = Settings(start_date="2026-01-02")
ANSWER = (
    "<|channel|>analysis<|message|>The user greets.<|end|><|start|>assistant<|channel|>final<|message|>Hi!<|return|>"
)
CALL = "<|channel|>analysis to=python code<|message|>print(1 + 1)<|call|>"
RESULT = "<|channel|>final<|message|>It is 2.<|return|>"


class Adder:
    """A tool that answers every call with "2"."""

    spec = ToolSpec(name="python")

    def __init__(self, seconds: float = 0) -> None:
        self.calls: list[ToolCall] = []
        self._seconds = seconds

    async def run(self, call: ToolCall) -> ToolResult:
        self.calls.append(call)
        await asyncio.sleep(self._seconds)
        return ToolResult(messages=(tool_message("python", "2", call.message.channel),))


def open_conversation(
    harmony: Harmony, replies: Sequence[str | list[Any]], log: MemoryLog | None = None, **rest: Any
) -> Conversation:
    log = log or MemoryLog()
    branch = next(iter(log.sessions()), None) or log.start("a", rest.pop("settings", SETTINGS))
    script = [tokens(harmony, reply) if isinstance(reply, str) else reply for reply in replies]
    generator = rest.pop("generator", None) or ScriptedGenerator(script)
    return Conversation(log, branch.branch, harmony=harmony, generator=generator, seed=lambda: 7, **rest)


def events(updates: Sequence[Update]) -> list[Event]:
    return [update.event for update in updates if isinstance(update, StoredEvent)]


def text(updates: Sequence[Update]) -> str:
    return "".join(update.text for update in updates if isinstance(update, TextDelta))


def said(conversation: Conversation) -> list[tuple[str, str]]:
    return [
        (entry.message.channel or entry.message.role, entry.message.content) for entry in conversation.state.entries
    ]


def test_a_turn_is_recorded_in_order_and_shown_as_it_is_sampled(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER])
    updates = list(conversation.say("Hello"))
    assert [event.kind for event in events(updates)] == [
        "MessageAppended",
        "GenerationStarted",
        "MessageAppended",
        "MessageAppended",
        "GenerationFinished",
    ]
    assert text(updates) == "The user greets.Hi!"
    assert [update.channel for update in updates if isinstance(update, MessageBegun)] == ["analysis", "final"]
    assert said(conversation) == [("user", "Hello"), ("analysis", "The user greets."), ("final", "Hi!")]
    assert conversation.state.generation is not None
    assert list(conversation.state.generation.ids) == tokens(harmony, ANSWER)
    assert next_step(conversation.state) is None


def test_the_users_message_is_in_the_log_before_the_model_runs(harmony: Harmony) -> None:
    log = MemoryLog()
    seen: list[int] = []

    class Watching(ScriptedGenerator):
        def generate(self, *arguments: Any) -> Iterator[Any]:
            seen.extend(len(list(log.read(info.branch))) for info in log.sessions())
            yield from super().generate(*arguments)

    conversation = open_conversation(harmony, [], log, generator=Watching([tokens(harmony, ANSWER)]))
    list(conversation.say("Hello"))
    assert seen == [3]  # SessionStarted, the message, GenerationStarted


def test_a_tool_call_runs_the_tool_and_the_turn_goes_on(harmony: Harmony) -> None:
    tool = Adder()
    conversation = open_conversation(harmony, [CALL, RESULT], tools={"python": tool})
    updates = list(conversation.say("1 + 1?"))
    kinds = [event.kind for event in events(updates)]
    assert kinds.index("ToolCalled") < kinds.index("ToolReturned")
    assert [call.message.content for call in tool.calls] == ["print(1 + 1)"]
    assert said(conversation)[-2:] == [("analysis", "2"), ("final", "It is 2.")]
    assert conversation.state.call is None


@pytest.mark.parametrize("recipient", ["python", "functions.nonsense", "browser.search"])
def test_a_tool_that_is_not_there_is_an_answer_to_the_model(harmony: Harmony, recipient: str) -> None:
    call = f"<|channel|>commentary to={recipient} <|constrain|>json<|message|>{{}}<|call|>"
    conversation = open_conversation(harmony, [call, RESULT])
    updates = list(conversation.say("go"))
    (returned,) = [event for event in events(updates) if isinstance(event, ToolReturned)]
    assert returned.outcome == "unavailable"
    assert said(conversation)[-2] == (
        "commentary",
        f'Error: the tool "{recipient}" is not enabled in this session. Enabled tools: none.',
    )
    assert said(conversation)[-1] == ("final", "It is 2.")


def test_cancelling_keeps_the_partial_and_proceeding_continues_it(harmony: Harmony) -> None:
    stop = False
    conversation = open_conversation(harmony, [ANSWER, ANSWER], cancelled=lambda: stop)
    for update in conversation.say("Hello"):
        stop = isinstance(update, TextDelta) and "user" in update.text
    assert next_step(conversation.state) == "continue"
    assert said(conversation)[-1][0] == "analysis"
    assert conversation.state.last is not None
    assert conversation.state.last.partial

    stop = False
    rest = list(conversation.proceed())
    assert said(conversation) == [("user", "Hello"), ("analysis", "The user greets."), ("final", "Hi!")]
    # The viewer is told the open message from its beginning, and nothing that was complete before.
    assert text(rest) == "The user greets.Hi!"
    assert conversation.state.generation is not None
    assert list(conversation.state.generation.ids) == tokens(harmony, ANSWER)


def test_closing_the_iterator_interrupts_and_loses_nothing(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER])
    turn = conversation.say("Hello")
    for update in turn:
        if isinstance(update, TextDelta) and "user" in update.text:
            break
    turn.close()  # type: ignore[attr-defined]
    generation = conversation.state.generation
    assert generation is not None
    assert generation.finished is not None
    assert generation.finished.reason == "interrupted"
    assert list(generation.ids) == tokens(harmony, ANSWER)[: len(generation.ids)]


def test_a_backend_that_fails_leaves_an_ending_and_can_be_continued(harmony: Harmony) -> None:
    ids = tokens(harmony, ANSWER)
    failing: list[Any] = [*ids[:5], GenerationFailed("the card is gone"), *ids[5:]]
    conversation = open_conversation(harmony, [failing, ANSWER])
    with pytest.raises(GenerationFailed, match="the card is gone"):
        list(conversation.say("Hello"))
    assert conversation.state.generation is not None
    finished = conversation.state.generation.finished
    assert finished is not None
    assert (finished.reason, finished.error) == ("error", "the card is gone")
    list(conversation.proceed())
    assert said(conversation)[-1] == ("final", "Hi!")


def test_a_bound_on_tokens_ends_with_length_and_counts_over_a_crash(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER, ANSWER], sampling=Sampling(max_tokens=6))
    updates = list(conversation.say("Hello"))
    assert [event.reason for event in events(updates) if isinstance(event, GenerationFinished)] == ["length"]
    assert next_step(conversation.state) == "continue"


def test_a_message_that_does_not_fit_is_refused_before_it_is_written(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER], settings=Settings(start_date="2026-01-02", context=100))
    before = conversation.state.seq
    with pytest.raises(ContextFull, match="--context"):
        list(conversation.say("word " * 100))
    assert conversation.state.seq == before
    list(conversation.say("Hello"))
    assert said(conversation)[-1] == ("final", "Hi!")


def test_text_that_is_no_unicode_is_taken_with_a_question_mark(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER])
    list(conversation.say("caf\udce9"))
    assert said(conversation)[0] == ("user", "caf?")


def test_a_model_that_says_nothing_is_asked_once(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, ["<|return|>", ANSWER])
    updates = list(conversation.say("Hello"))
    assert len([event for event in events(updates) if isinstance(event, GenerationStarted)]) == 1
    assert any(isinstance(event, ParseRecovered) for event in events(updates))
    list(conversation.say("Hello?"))
    assert said(conversation)[-1] == ("final", "Hi!")


def test_a_fault_in_a_tool_is_a_result_and_the_turn_goes_on(harmony: Harmony) -> None:
    class Faulty(Adder):
        async def run(self, call: ToolCall) -> ToolResult:
            raise ZeroDivisionError("division by zero")

    conversation = open_conversation(harmony, [CALL, RESULT], tools={"python": Faulty()})
    updates = list(conversation.say("1 + 1?"))
    assert [event.outcome for event in events(updates) if isinstance(event, ToolReturned)] == ["error"]
    assert "ZeroDivisionError: division by zero" in said(conversation)[-2][1]
    assert said(conversation)[-1] == ("final", "It is 2.")


def test_a_running_tool_stops_when_the_user_says_so(harmony: Harmony) -> None:
    stop = False
    tool = Adder(seconds=60)
    conversation = open_conversation(harmony, [CALL], tools={"python": tool}, cancelled=lambda: stop)
    turn = conversation.say("1 + 1?")
    for update in turn:
        if isinstance(update, StoredEvent) and isinstance(update.event, ToolCalled):
            stop = True
        last = update
    assert isinstance(last, StoredEvent)
    assert said(conversation)[-1] == ("analysis", "Error: the user interrupted this tool.")
    assert next_step(conversation.state) == "answer"


@given(st.data())
@settings(max_examples=60)
def test_a_crash_anywhere_ends_in_the_same_conversation(harmony: Harmony, data: st.DataObject) -> None:
    """Cut the history after any event, as a SIGKILL would, open it again and go on: the same messages come out."""
    script = [CALL, ANSWER, RESULT]
    whole = open_conversation(harmony, script, tools={"python": Adder()})
    list(whole.say("1 + 1?"))
    list(whole.say("Thanks"))
    full = list(whole._journal._log.read(whole.branch))

    # How many batches the tokens came in depends on the time, which no strategy may depend on.
    cut = 2 + data.draw(st.integers(0, 1000), label="events that survive") % (len(full) - 1)
    log = MemoryLog()
    branch = log.start("a", SETTINGS).branch
    survivors = [stored.event for stored in full[1:cut]]
    # A batch of tokens may have been cut short as well: only its beginning had reached the log.
    kept = data.draw(st.integers(0, 40), label="tokens of the last batch that survive")
    if survivors and hasattr(survivors[-1], "ids") and kept < len(survivors[-1].ids):
        last = survivors.pop()
        if kept:
            survivors.append(type(last)(ids=last.ids[:kept]))
    if survivors:
        log.append(branch, 1, survivors)

    started = [event for event in survivors if isinstance(event, GenerationStarted)]
    running = fold(log.read(branch)).generation
    unfinished = running is not None and running.finished is None
    done = len(started) - (1 if unfinished and running is not None else 0)
    if unfinished and running is not None and len(running.ids) == len(tokens(harmony, script[done])):
        done += 1
    again = open_conversation(harmony, script[done:], log, tools={"python": Adder()})
    list(again.proceed())
    users = [text for role, text in said(again) if role == "user"]
    for question in ["1 + 1?", "Thanks"][len(users) :]:
        list(again.say(question))

    crashed_tool = any(isinstance(e, ToolReturned) and e.outcome == "crashed" for e in events(again.recovered))
    if crashed_tool:
        assert "stopped while this tool ran" in dict(said(again))["analysis"] or any(
            "stopped while this tool ran" in content for _, content in said(again)
        )
    else:
        assert said(again) == said(whole)
    folded = fold(log.read(branch))
    assert folded == again.state
    assert folded.call is None
