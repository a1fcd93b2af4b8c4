"""While the user types, the model reads what the next prompt will begin with."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pexpect
import pytest

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.cli.ahead import head_start, lasting_prefix, next_prompt
from gptoss.engine.conversation import next_step
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.events import GenerationFinished
from gptoss.engine.foresight import next_prefix
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import Cancelled, TokenChunk
from gptoss.engine.settings import Sampling
from gptoss.engine.tokens import ASSISTANT_TURN
from gptoss.storage.opening import open_for_reading
from tests.cli.terminals import leave, say
from tests.engine.test_conversation import ANSWER, open_conversation


class Endless(ScriptedGenerator):
    """Has always one more chunk to compute, until it is told to stop."""

    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        while not cancelled():
            self.began.set()
            yield TokenChunk(prefilled=1)
        self.stopped = True

    began: threading.Event
    stopped = False


class Slow(ScriptedGenerator):
    """Takes its time for a chunk, and then is interrupted once and again."""

    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        self.began.set()
        while not cancelled():
            time.sleep(0.01)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
        self.stopped = True
        yield TokenChunk(prefilled=1)

    began: threading.Event
    stopped = False


class Broken(ScriptedGenerator):
    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        raise GenerationFailed("the disk is full of eels")


def test_whoever_comes_ends_it() -> None:
    generator = Endless()
    generator.began = threading.Event()
    with head_start(generator, (1, 2)):
        assert generator.began.wait(30)
        assert not generator.stopped
    assert generator.stopped


def test_nobody_uses_the_model_before_it_has_ended() -> None:
    """However often Ctrl-C is pressed."""
    generator = Slow()
    generator.began = threading.Event()
    with pytest.raises(KeyboardInterrupt), head_start(generator, (1, 2)):
        assert generator.began.wait(30)
    assert generator.stopped


@pytest.mark.filterwarnings("error")
def test_what_goes_wrong_there_is_nobodys_concern(capfd: pytest.CaptureFixture[str]) -> None:
    with head_start(Broken(), (1, 2)):
        pass
    assert capfd.readouterr() == ("", "")


def test_what_lasts_holds_whether_a_turn_is_gone_on_with_or_not(harmony: Harmony) -> None:
    conversation = open_conversation(harmony, [ANSWER], sampling=Sampling(max_tokens=5))
    list(conversation.say("Hello"))
    state = conversation.state
    assert next_step(state) == "continue"
    lasting, going_on = lasting_prefix(state, harmony, 8192), next_prompt(state, harmony, 8192)
    assert going_on[: len(lasting)] == lasting == next_prefix(state, harmony, 8192)[: len(lasting)]
    assert state.generation is not None
    assert len(lasting) == state.generation.started.prompt_length - len(ASSISTANT_TURN)


def test_the_next_question_waits_for_itself_alone(
    environment: dict[str, str], embedded: Path, harmony: Harmony
) -> None:
    """In a terminal, with the embedded model, which has some reasoning of the turn before to forget."""
    home = Path(environment["GPTOSS_HOME"])
    home.mkdir()
    (home / "cache").symlink_to(embedded)
    child = pexpect.spawn(
        sys.executable,
        ["-m", "gptoss", "chat", "--session", "a", "--temperature", "0"],
        env=environment | {"PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=300,
        dimensions=(30, 100),
    )
    question = "What is the capital of France?"
    alone = len(harmony.render(Message(role="user", content=question))) + len(ASSISTANT_TURN)
    computed: list[int] = []
    for wait in (0.5, 1, 4, 16):  # seconds: the machine may be busy
        time.sleep(wait)
        say(child, question)
        child.expect_exact("Paris")
        computed = [ending.prefilled or 0 for ending in endings(home / "gptoss.db")]
        if len(computed) > 1 and computed[-1] == alone:
            break
    assert computed[-1] == alone
    leave(child)
    assert child.exitstatus == 0


def endings(database: Path) -> list[GenerationFinished]:
    log = open_for_reading(database)
    events = [stored.event for stored in log.read(log.session("a").branch)]
    log.close()
    return [event for event in events if isinstance(event, GenerationFinished)]
