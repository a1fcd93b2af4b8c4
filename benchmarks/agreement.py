"""How far torch and vLLM agree on the embedded model: `python -m benchmarks.agreement`, where vLLM is installed.

A hundred conversations are held with torch in float32 at temperature 0. Then each backend, in float32 and in
bfloat16, says how likely it finds every token of them, and answers every prompt itself. A quarter it scores once
more, for the floor of its own noise, and answers at temperature 1 with a seed. Printed are the differences of the log
probabilities between pairs, how often another token is the likeliest, and how many answers are the same to the last
token.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.opening import open_generator
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.vllm.options import VllmRequest
from gptoss.engine.conversation import Conversation
from gptoss.engine.generations import RecordedGeneration, recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import TokenGenerator, TokenScore
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.tokens import STOP_IDS
from gptoss.storage.memory import MemoryLog

CONVERSATIONS = 100
NAMES = ("Ada", "Bo", "Cy", "Dee", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo")
COUNTRIES = ("France", "Italy", "Japan", "Peru", "Kenya", "Norway", "Spain", "Egypt", "Chile", "Greece")
QUESTIONS = (
    "My name is {name}.",
    "Hello, I am {name}. What is the capital of {country}?",
    "What is the capital of {country}?",
    "What can you do?",
    "How do I resume a session?",
)
GREEDY, SEEDED = Sampling(temperature=0.0, max_tokens=200), Sampling(temperature=1.0, seed=11, max_tokens=200)


class Opinion(NamedTuple):
    """What one backend says of all generations."""

    scores: list[TokenScore]
    again: list[TokenScore]
    greedy: list[tuple[int, ...]]
    seeded: list[tuple[int, ...]]


def questions() -> Iterator[str]:
    """A hundred, no two alike but for those that name nobody."""
    for (name, country), question in list(product(zip(NAMES * 2, COUNTRIES * 2, strict=True), QUESTIONS))[
        :CONVERSATIONS
    ]:
        yield question.format(name=name, country=country)


def hold(generator: TokenGenerator, harmony: Harmony) -> list[RecordedGeneration]:
    log = MemoryLog()
    recorded: list[RecordedGeneration] = []
    for number, question in enumerate(questions()):
        settings = Settings(start_date="2026-01-02", reasoning_effort=("low", "high")[number % 2])
        branch = log.start(str(number), settings).branch
        conversation = Conversation(log, branch, harmony=harmony, generator=generator, seed=lambda: 0, sampling=GREEDY)
        list(conversation.say(question))
        conversation.close()
        recorded += recorded_generations(log.read(branch), harmony)
    return recorded


def ask(generator: TokenGenerator, recorded: Sequence[RecordedGeneration]) -> Opinion:
    def scores(order: Sequence[RecordedGeneration]) -> list[TokenScore]:
        found = (generator.score([*one.prompt.ids, *one.ids], len(one.prompt.ids)) for one in order)
        return [score for one in found for score in one]

    def answers(order: Sequence[RecordedGeneration], sampling: Sampling) -> list[tuple[int, ...]]:
        said = []
        for one in order:
            chunks = generator.generate(one.prompt.ids, sampling, STOP_IDS, lambda: False)
            said.append(tuple(token for chunk in chunks for token in chunk.ids))
        return said

    quarter = recorded[: len(recorded) // 4]
    return Opinion(scores(recorded), scores(quarter), answers(recorded, GREEDY), answers(quarter, SEEDED))


def row(title: str, one: list[TokenScore], other: list[TokenScore], same: str = "") -> str:
    pairs = list(zip(one, other, strict=False))  # what was scored twice is the beginning
    differences = sorted(abs(a.logprob - b.logprob) for a, b in pairs)
    others = sum(a.best != b.best for a, b in pairs)
    high = differences[int(0.99 * len(differences))]
    return f"| {title} | {statistics.fmean(differences):.6f} | {high:.5f} | {differences[-1]:.5f} | {others} | {same} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        checkpoint, harmony = materialise(cache), Harmony.load(cache)
        first = TorchGenerator(checkpoint, device="cpu", dtype="float32")
        recorded = hold(first, harmony)
        first.close()
        opinions: dict[str, Opinion] = {}
        for name, dtype in product(("torch", "vllm"), ("float32", "bfloat16")):
            begun = time.monotonic()
            if name == "torch":
                generator: TokenGenerator = TorchGenerator(checkpoint, device="cpu", dtype=dtype)
            else:
                request = VllmRequest(arguments=(f"dtype={dtype}", "kv-cache-memory-bytes=400000000"))
                generator = open_generator("vllm", checkpoint, request.options(cache, Path(folder), environment={}))
            opinions[f"{name} {dtype}"] = ask(generator, recorded)
            generator.close()
            print(f"{name} {dtype}: {time.monotonic() - begun:.0f} s", flush=True)
        tokens = sum(len(one.ids) for one in recorded)
        print(f"\n{len(recorded)} answers of {CONVERSATIONS} conversations, {tokens} tokens\n")
        print("| | mean difference | of 100 tokens the largest but one | largest | other likeliest | same answers |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, opinion in opinions.items():
            print(row(f"{name}, two runs", opinion.scores, opinion.again))
        for one, other in (
            ("torch float32", "vllm float32"),
            ("torch bfloat16", "vllm bfloat16"),
            ("torch float32", "torch bfloat16"),
            ("vllm float32", "vllm bfloat16"),
            ("torch float32", "vllm bfloat16"),
        ):
            a, b = opinions[one], opinions[other]
            same = [
                f"{sum(map(tuple.__eq__, *pair))} of {len(pair[0])} at temperature {temperature}"
                for temperature, pair in enumerate(((a.greedy, b.greedy), (a.seeded, b.seeded)))
            ]
            print(row(f"{one}, {other}", a.scores, b.scores, ", ".join(same)))
        exact, bound = opinions["torch float32"].scores, opinions["vllm float32"].scores
        gaps = [a.entropy - b.entropy for a, b in zip(exact, bound, strict=True)]
        print(f"\nvLLM's entropies lie below the exact ones by {statistics.fmean(gaps):.5f} on average, ", end="")
        print(f"{max(gaps):.4f} at most")


if __name__ == "__main__":
    main()
