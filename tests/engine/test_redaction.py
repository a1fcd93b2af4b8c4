"""Whatever is redacted is nowhere in the log any more, and the rest still verifies."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.branching import fork
from gptoss.engine.conversation import next_step
from gptoss.engine.errors import UsageError
from gptoss.engine.events import MessageAppended, PayloadRedacted, StoredEvent, TokensSampled, ToolReturned
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import EventLog
from gptoss.engine.reducer import fold
from gptoss.engine.rendering import render_prompt
from gptoss.engine.verification import verify
from gptoss.storage.memory import MemoryLog
from tests.engine.test_conversation import ANSWER, CALL, RESULT, Adder, open_conversation
from tests.recorded import MALFORMED

SECRET = (
    "<|channel|>analysis<|message|>Let me see.<|end|>"
    "<|start|>assistant<|channel|>final<|message|>The word is xylophone, again xylophone.<|return|>"
)
REPAIRED = "<|channel|><|message|>A xylophone without a channel.<|return|>"


def everything(log: EventLog, harmony: Harmony, session: str) -> str:
    """All text on all branches, that of the sampled tokens included."""
    texts = []
    for branch in log.branches(session):
        for stored in log.read(branch.id):
            if isinstance(stored.event, MessageAppended):
                texts.append(stored.event.message.content)
            elif isinstance(stored.event, TokensSampled):
                texts.append(harmony.decode(stored.event.ids))
    return "\n".join(texts)


@pytest.mark.parametrize("reply", [SECRET, REPAIRED])
@pytest.mark.parametrize("by", ["message", "tokens"])
@pytest.mark.parametrize("cut_after", [None, 4])
def test_nothing_of_a_redacted_answer_is_left(harmony: Harmony, reply: str, by: str, cut_after: int | None) -> None:
    log = MemoryLog()
    shown = 0

    def cancelled() -> bool:
        return shown == cut_after

    conversation = open_conversation(harmony, [reply] * 4, log, cancelled=cancelled)
    for shown, _ in enumerate(conversation.say("Which word?"), 1):  # noqa: B007  `cancelled` looks at it
        pass
    session = log.sessions()[0]
    if cut_after is not None:
        fork(log, session, conversation.state.seq)
        shown = -1
        list(open_conversation(harmony, [reply] * 4, log).proceed())
        list(conversation.proceed())
    assert "xylophone" in everything(log, harmony, session.id)
    history = list(log.read(conversation.branch))
    kind = MessageAppended if by == "message" else TokensSampled
    target = next(s for s in reversed(history) if type(s.event) is kind)
    log.redact(conversation.branch, target.seq)
    assert "xylophone" not in everything(log, harmony, session.id)
    for branch in log.branches(session.id):
        assert verify(log.read(branch.id), harmony).drift is None


@given(
    replies=st.lists(st.sampled_from([ANSWER, CALL, RESULT, SECRET, MALFORMED, "<|return|>"]), min_size=6, max_size=6),
    data=st.data(),
)
def test_whatever_is_redacted_the_rest_verifies_and_goes_on(
    harmony: Harmony, replies: list[str], data: st.DataObject
) -> None:
    log = MemoryLog()
    conversation = open_conversation(harmony, [*replies, *[RESULT] * 8], log, tools={"python": Adder()})
    for text in ("Hello", "And now?", "And then?"):
        list(conversation.say(text))
    branch = conversation.branch
    before = list(log.read(branch))
    redactable = [s.seq for s in before if isinstance(s.event, MessageAppended | TokensSampled | ToolReturned)]
    for seq in data.draw(st.lists(st.sampled_from(redactable), min_size=1, max_size=3, unique=True)):
        with suppress(UsageError):  # it went with another one already
            log.redact(branch, seq)
    after = list(log.read(branch))
    assert_only_redacted_events_differ(before, after)
    verified = verify(after, harmony)
    assert verified.drift is None
    assert verified.prompts + verified.redacted == sum(s.event.kind == "GenerationStarted" for s in after)
    assert next_step(fold(after)) == next_step(fold(before))
    list(open_conversation(harmony, [ANSWER], log).say("Go on."))
    assert verify(log.read(branch), harmony).drift is None


def assert_only_redacted_events_differ(before: list[StoredEvent], after: list[StoredEvent]) -> None:
    for old, new in zip(before, after[: len(before)], strict=True):
        assert (old.seq, old.time, old.event.kind) == (new.seq, new.time, new.event.kind)
        assert new.redacted or new == old
    told = {s.event.seq for s in after[len(before) :] if isinstance(s.event, PayloadRedacted)}
    assert told == {s.seq for s in after if s.redacted}


def test_a_redacted_message_says_so_in_the_next_prompt(harmony: Harmony) -> None:
    log = MemoryLog()
    conversation = open_conversation(harmony, [SECRET, ANSWER], log)
    list(conversation.say("Which word?"))
    last = next(s for s in reversed(list(log.read(conversation.branch))) if isinstance(s.event, MessageAppended))
    log.redact(conversation.branch, last.seq)
    prompt = render_prompt(fold(log.read(conversation.branch)), harmony)
    assert "<|start|>assistant<|channel|>final<|message|>[redacted]<|end|>" in harmony.decode(prompt.ids)
    list(open_conversation(harmony, [ANSWER], log).say("And?"))
    verified = verify(log.read(conversation.branch), harmony)
    assert (verified.drift, verified.prompts, verified.redacted) == (None, 2, 0)


def test_an_older_prompt_cannot_be_derived_again(harmony: Harmony) -> None:
    log = MemoryLog()
    conversation = open_conversation(harmony, [ANSWER, ANSWER], log)
    list(conversation.say("My key is 1234."))
    list(conversation.say("Thanks."))
    log.redact(conversation.branch, 2)
    verified = verify(log.read(conversation.branch), harmony)
    assert (verified.drift, verified.prompts, verified.redacted) == (None, 0, 2)
