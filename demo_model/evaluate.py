"""Plays held-out conversations with the shipped model, as a user would: through the engine and a backend.

    python -m demo_model.evaluate --conversations 200 --temperature 0

A turn is right when its answer and its tool calls are the expected ones, letter by letter; it is valid Harmony when the
parser had nothing to repair. A wrong answer stays in the conversation, as in life.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from demo_model.conversation import Conversation, Turn
from demo_model.words import Words
from demo_model.writing import write
from gptoss.backends.demo.materialise import SHIPPED, materialise
from gptoss.backends.opening import open_generator
from gptoss.engine import conversation as engine
from gptoss.engine.events import ParseRecovered, StoredEvent
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import TokenGenerator, Tool, ToolCall, ToolResult
from gptoss.engine.recovery import tool_message
from gptoss.engine.settings import Sampling, ToolSpec
from gptoss.engine.vocabulary import vocabulary_folder
from gptoss.storage.memory import MemoryLog


@dataclass(frozen=True)
class Outcome:
    """How one turn went. `called` are the arguments of its tool calls."""

    turn: Turn
    answer: str | None
    called: tuple[str, ...]
    valid: bool

    @property
    def right(self) -> bool:
        wanted = tuple(call.arguments for call in self.turn.calls)
        return self.valid and self.answer == self.turn.answer and self.called == wanted


class Rehearsal:
    """Answers the calls of a turn with the results that it was written with, whatever the arguments."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self._results: list[Message] = []

    def begin(self, turn: Turn) -> None:
        self.called.clear()
        self._results = [call.result for call in turn.calls]

    def answer(self, call: ToolCall) -> Message:
        """The next result; a call too many gets the last one again, or what a tool that is not there would say."""
        self.called.append(call.message.content)
        recipient = call.message.recipient or ""
        absent = tool_message(recipient, f'Error: the tool "{recipient}" is not enabled in this session.', "analysis")
        return (self._results[len(self.called) - 1 :] or self._results[-1:] or [absent])[0]


class RehearsedTool:
    def __init__(self, spec: ToolSpec, rehearsal: Rehearsal) -> None:
        self.spec = spec
        self._rehearsal = rehearsal

    async def run(self, call: ToolCall) -> ToolResult:
        return ToolResult(messages=(self._rehearsal.answer(call),))


def play(
    written: Conversation, generator: TokenGenerator, harmony: Harmony, sampling: Sampling, seed: int
) -> Iterator[Outcome]:
    """Say every user message of a conversation to the model."""
    log = MemoryLog()
    rehearsal = Rehearsal()
    tools: dict[str, Tool] = {spec.name: RehearsedTool(spec, rehearsal) for spec in written.settings.tools}
    talk = engine.Conversation(
        log,
        log.start("held-out", written.settings).branch,
        harmony=harmony,
        generator=generator,
        seed=lambda: seed,
        sampling=sampling,
        tools=tools,
    )
    for turn in written.turns:
        rehearsal.begin(turn)
        events = [update.event for update in talk.say(turn.user) if isinstance(update, StoredEvent)]
        last = talk.state.last
        answer = last.message.content if last and last.message.is_final and not last.partial else None
        valid = answer is not None and not any(isinstance(event, ParseRecovered) for event in events)
        yield Outcome(turn, answer, tuple(rehearsal.called), valid)
    talk.close()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "gptoss")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--split", choices=("train", "held-out"), default="held-out")
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--mistakes", type=int, default=20, help="how many wrong answers to print")
    options = parser.parse_args(arguments)
    harmony = Harmony.load(options.cache)
    words = Words(harmony.encode, vocabulary_folder(options.cache), options.split)
    generator = open_generator(options.backend, materialise(options.cache, shipped=options.shipped))
    rng = Random(f"evaluation {options.seed}")
    turns, right, valid = Counter[str](), Counter[str](), Counter[str]()
    whole = shown = 0
    for number in range(options.conversations):
        written = write(rng, words, options.split, rng.randint(1, options.turns))
        sampling = Sampling(temperature=options.temperature, max_tokens=400)
        outcomes = list(play(written, generator, harmony, sampling, seed=number))
        whole += all(outcome.right for outcome in outcomes)
        for outcome in outcomes:
            for name in (outcome.turn.skill, "all turns"):
                turns[name] += 1
                right[name] += outcome.right
                valid[name] += outcome.valid
            if not outcome.right and shown < options.mistakes:
                shown += 1
                print(f"[{outcome.turn.skill}] {outcome.turn.user!r}\n  wanted {outcome.turn.answer!r}")
                print(f"  got    {outcome.answer!r}{'' if outcome.valid else ' (malformed)'}", flush=True)
    for name in sorted(turns):
        print(
            f"{name:24} {turns[name]:5} turns "
            f"{right[name] / turns[name]:8.2%} right {valid[name] / turns[name]:8.2%} valid"
        )
    print(f"{'whole conversations':24} {options.conversations:5}       {whole / options.conversations:8.2%} right")
    generator.close()


if __name__ == "__main__":
    main()
