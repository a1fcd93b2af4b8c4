"""What the next prompt begins with is known before the user has said anything."""

import pytest

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.foresight import next_prefix
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings
from gptoss.engine.state import State
from gptoss.engine.tokens import ASSISTANT_TURN
from gptoss.storage.memory import MemoryLog
from tests.engine.harmony_text import tokens
from tests.engine.test_conversation import CALL, Adder

THOUGHT = "<|channel|>analysis<|message|>I think.<|end|><|start|>assistant<|channel|>final<|message|>{}<|return|>"


@pytest.mark.parametrize("context", [600, 4000])
@pytest.mark.parametrize("keeps", [False, True])
def test_every_prompt_begins_with_what_was_foreseen(harmony: Harmony, context: int, keeps: bool) -> None:
    """With tools, reasoning dropped or kept, and turns trimmed where the context is too small."""
    log = MemoryLog()
    answer = THOUGHT.format("so " * 40)
    generator = ScriptedGenerator([tokens(harmony, reply) for _ in range(10) for reply in (CALL, answer)])
    conversation = Conversation(
        log,
        log.start("a", Settings(start_date="2026-01-02", context=context, keep_reasoning=keeps)).branch,
        harmony=harmony,
        generator=generator,
        seed=lambda: 7,
        tools={"python": Adder()},
    )
    wrong = 0
    for number in range(10):
        foreseen, asked = next_prefix(conversation.state, harmony, context), len(generator.prompts)
        list(conversation.say(f"{number}"))
        prompt = generator.prompts[asked]
        if prompt[: len(foreseen)] == foreseen:
            said = harmony.render(Message(role="user", content=f"{number}"))
            assert prompt[len(foreseen) :] == said + ASSISTANT_TURN
        else:
            wrong += 1
    assert (conversation.state.trimmed > 0) == (context == 600)
    assert wrong <= (context == 600)  # a word that is one too much lets a turn go


def test_of_a_session_that_has_not_begun_the_settings_are_known(harmony: Harmony) -> None:
    setting = Settings(start_date="2026-01-02", developer_message="Be brief.")
    foreseen = next_prefix(State(session="", name="", settings=setting, seq=0), harmony, 8192)
    assert foreseen == harmony.render_system(setting) + harmony.render_developer(setting)
