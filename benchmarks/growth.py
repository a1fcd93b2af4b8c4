"""How cost grows with a conversation: `python -m benchmarks.growth`, up to 10,000 messages; `--largest 100000` goes on.

One session in SQLite grows, and at 10, 100, 1,000, ... messages everything that a user does to it is measured, in
seconds of the processor, so that what else the machine does matters little: the median of several times. Half of the
messages are sampled: with their generation, its tokens and its ending, as a chat writes them. A law is the exponent
between the last two sizes: 0 does not grow, 1 grows in proportion. Prints a table and draws docs/images/growth.png.
"""

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.events import Event, GenerationFinished, GenerationStarted, MessageAppended, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import Cancelled, TokenChunk
from gptoss.engine.reducer import fold
from gptoss.engine.rendering import RENDERING, render_prompt
from gptoss.engine.searching import SearchRequest, parse_query
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.verification import verify
from gptoss.storage.opening import open_for_reading
from gptoss.storage.sql import SqlLog
from gptoss.transcripts.playback import playback
from tests.engine.harmony_text import tokens

FIGURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"
SETTINGS = Settings(start_date="2026-01-02")
VERIFIED = 10_000
"""Up to so many messages the session is one that a chat really had, so that it verifies."""


class Law(NamedTuple):
    """What a measure may grow like: `most` is its largest exponent. Slower is better."""

    name: str
    most: float


FLAT, LINEAR = Law("flat", 0.2), Law("at most linear", 1.15)

MEASURES = {
    "a turn, all but the model": FLAT,
    "append a message": FLAT,
    "fork": FLAT,
    "prompt of the next turn": FLAT,
    "open: read, verify, fold": LINEAR,
    "resume: open and render": LINEAR,
    "replay all of it": LINEAR,
    "verify": LINEAR,
    "search": LINEAR,
    "decode a token": LINEAR,
}


class Parrot:
    """A model that always says the same and takes no time."""

    name = fingerprint = arithmetic = "parrot"
    max_context = 131_072

    def __init__(self, reply: Sequence[int]) -> None:
        self._reply = tuple(reply)

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        yield TokenChunk(prefilled=len(prompt))
        for token in self._reply:
            yield TokenChunk(ids=(token,))


class Grown:
    """A session that grows."""

    def __init__(self, path: Path, harmony: Harmony) -> None:
        self.path, self.harmony = path, harmony
        self.log = SqlLog(path)
        self.branch = self.log.start("growth", SETTINGS).branch
        self.messages = 0
        answer = "<|channel|>final<|message|>I will remember it as one of many things, whatever it is.<|return|>"
        self._ids = tokens(harmony, answer)
        self.model = Parrot(self._ids)

    def grow(self, messages: int) -> None:
        """By turns that are really had, up to VERIFIED messages, and by what turns leave behind from there on."""
        if self.messages < min(messages, VERIFIED):
            talk = self.conversation(self.branch)
            while self.messages < min(messages, VERIFIED):
                list(talk.say(f"Remember item {self.messages}, please."))
                self.messages += 2
            talk.close()
        seq = self.log.branch(self.branch).head
        while self.messages < messages:
            events: list[Event] = []
            for _ in range(100):
                events += self._turn(seq + len(events))
            seq = self.log.append(self.branch, seq, events)[-1].seq

    def _turn(self, seq: int) -> list[Event]:
        said = Message(role="user", content=f"Remember item {self.messages}, please.")
        answer = Message(
            role="assistant",
            channel="final",
            content="I will remember it as one of many things, whatever it is.",
        )
        started = GenerationStarted(
            backend="parrot",
            model="parrot",
            sampling=Sampling(seed=1),
            prompt_length=100,
            prompt_hash="0" * 32,
            rendering=RENDERING,
        )
        self.messages += 2
        return [
            MessageAppended(message=said),
            started,
            TokensSampled(ids=tuple(self._ids), elapsed_ms=400),
            MessageAppended(message=answer, generation=seq + 2, span=(0, len(self._ids))),
            GenerationFinished(reason="stop", stop_token=self._ids[-1], prefilled=10, first_token_ms=5, elapsed_ms=400),
        ]

    def conversation(self, branch: str) -> Conversation:
        return Conversation(self.log, branch, harmony=self.harmony, generator=self.model, seed=lambda: 1)

    def measured(self) -> Iterator[tuple[str, float]]:
        """Each measure with its seconds. What writes does it on a fork."""
        few = 5 if self.messages < 50_000 else 3
        head = self.log.branch(self.branch).head
        yield "fork", spent(lambda: self.log.fork(self.branch, head), 25)
        fork = self.log.fork(self.branch, head)
        seq = fork.head
        said = [MessageAppended(message=Message(role="user", content="One more."))]

        def append() -> None:
            nonlocal seq
            seq = self.log.append(fork.id, seq, said)[-1].seq

        yield "append a message", spent(append, 50)
        talk = self.conversation(self.log.fork(self.branch, head).id)
        list(talk.say("The first may trim."))
        yield "a turn, all but the model", spent(lambda: list(talk.say("And another.")), 15)
        state = talk.state
        yield "prompt of the next turn", spent(lambda: render_prompt(state, self.harmony), 25)
        last = talk.branch
        talk.close()
        with closing(open_for_reading(self.path)) as reader:
            yield "open: read, verify, fold", spent(lambda: fold(reader.read(self.branch)), few)
            yield (
                "resume: open and render",
                spent(lambda: render_prompt(fold(reader.read(last)), self.harmony), few),
            )
            yield "replay all of it", spent(lambda: exhaust(playback(reader.read(self.branch), self.harmony)), few)
            request = SearchRequest(query=parse_query("item 7"), limit=10)
            self.log.search(request)
            yield "search", spent(lambda: self.log.search(request), few)
            if self.messages <= VERIFIED:
                found = verify(reader.read(self.branch), self.harmony)
                if found.drift is not None:
                    raise RuntimeError(f"the session does not verify: {found.drift}")
                yield "verify", spent(lambda: verify(reader.read(self.branch), self.harmony), few)


def exhaust(moments: Iterator[object]) -> None:
    for _ in moments:
        pass


def spent(act: Callable[[], object], times: int) -> float:
    """Seconds of the processor, of all threads, that it takes: the median."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        act()
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def decoding(checkpoint: Path, harmony: Harmony, sizes: Sequence[int], count: int = 30) -> Iterator[tuple[int, float]]:
    """Seconds of the processor a token behind prompts of so many tokens, with the embedded model."""
    generator = TorchGenerator(checkpoint, device="cpu")
    word = harmony.encode(" hello")[0]
    for size in sizes:
        chunks = generator.generate(
            [word] * size, Sampling(temperature=0.0, max_tokens=count + 1), frozenset(), lambda: False
        )
        times = [time.process_time() for chunk in chunks if chunk.ids]
        yield size, (times[-1] - times[0]) / (len(times) - 1)
    generator.close()


def exponent(found: dict[int, float]) -> float:
    """Between the last two sizes."""
    (small, less), (large, more) = sorted(found.items())[-2:]
    return math.log(more / less) / math.log(large / small)


def draw(results: dict[str, dict[int, float]]) -> None:
    figure, panels = plt.subplots(2, 5, figsize=(15, 6), layout="constrained")
    for panel, (name, found) in zip(panels.flat, results.items(), strict=True):
        sizes = sorted(found)
        panel.loglog(sizes, [found[size] * 1000 for size in sizes], "o-", color="#2f6fab")
        low, high = min(found.values()) * 1000, max(found.values()) * 1000
        panel.set_ylim(low / 3 if high / low > 10 else low / 10, high * 3 if high / low > 10 else high * 10)
        panel.set_title(name, fontsize=10)
        panel.set_xlabel("tokens before it" if name.startswith("decode") else "messages", fontsize=8)
        panel.grid(alpha=0.3)
    for row in panels:
        row[0].set_ylabel("ms of the processor")
    figure.savefig(FIGURE, dpi=90)


def table(results: dict[str, dict[int, float]]) -> str:
    sizes = sorted({size for found in results.values() for size in found})
    lines = ["| ms of the processor | " + " | ".join(f"{size:,}" for size in sizes) + " | exponent | law |"]
    lines.append("| --- |" + " --- |" * (len(sizes) + 2))
    for name, found in results.items():
        law, grows = MEASURES[name], exponent(found)
        cells = [f"{found[size] * 1000:,.2f}" if size in found else "" for size in sizes]
        met = law.name if grows <= law.most else f"**not {law.name}**"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {grows:.2f} | {met} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=10_000)
    options = parser.parse_args()
    results: dict[str, dict[int, float]] = {name: {} for name in MEASURES}
    sizes = [10**power for power in range(1, 1 + int(math.log10(options.largest)))]
    with tempfile.TemporaryDirectory() as folder:
        harmony = Harmony.load(Path(folder))
        grown = Grown(Path(folder) / "growth.db", harmony)
        for size in sizes:
            grown.grow(size)
            for name, seconds in grown.measured():
                results[name][size] = seconds
                print(f"{size:>8,}  {name:<28}{seconds * 1000:>12,.3f} ms", flush=True)
        grown.log.close()
        for size, seconds in decoding(materialise(Path(folder)), harmony, (10, 100, 1000, 8000)):
            results["decode a token"][size] = seconds
    draw(results)
    print(table(results))


if __name__ == "__main__":
    main()
