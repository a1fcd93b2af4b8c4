"""What a turn costs beside the model: `python -m benchmarks.turn`.

Two questions, each answered by taking turns within one run, so that whatever else the machine does hits both sides:

- A session with 4,000 tokens of history: how many prompt tokens does the next turn compute, and how long does its first
  token take, with the cache of the turn before and without any?
- An answer of 300 tokens through a conversation: how much longer does it take with every token logged in SQLite than
  with a log in memory, and than the bare generator takes, which neither renders nor parses?
"""

import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.decode import make_checkpoint
from gptoss.backends.demo.materialise import materialise
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.events import GenerationFinished, MessageAppended, StoredEvent
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import EventLog
from gptoss.engine.reducer import fold
from gptoss.engine.rendering import render_prompt
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.tokens import STOP_IDS
from gptoss.storage.memory import MemoryLog
from gptoss.storage.opening import open_log

HISTORY = 4000
TOKENS = 300
ROUNDS = 7


def long_session(log: EventLog, harmony: Harmony, name: str) -> str:
    """A branch whose prompt has at least 4,000 tokens."""
    branch = log.start(name, Settings(start_date="2026-01-02")).branch
    seq = 1
    number = 0
    while True:
        conversation = Conversation(log, branch, harmony=harmony, generator=NO_MODEL, seed=lambda: 1)
        if len(render_prompt(conversation.state, harmony).ids) >= HISTORY:
            return branch
        said = []
        for _ in range(20):
            number += 1
            said += [
                MessageAppended(message=Message(role="user", content=f"Remember item {number} of the list, please.")),
                MessageAppended(
                    message=Message(role="assistant", channel="final", content=f"I will remember item {number}.")
                ),
            ]
        seq = log.append(branch, seq, said)[-1].seq


def last_ending(log: EventLog, branch: str) -> GenerationFinished:
    endings = [stored.event for stored in log.read(branch) if isinstance(stored.event, GenerationFinished)]
    return endings[-1]


def compare_prefills(folder: Path, harmony: Harmony, checkpoint: Path) -> None:
    log = open_log(folder / "turns.db")
    warm_ms, cold_ms, warm_tokens, cold_tokens = [], [], [], []
    generator = TorchGenerator(checkpoint, device="cpu")
    for turn in range(ROUNDS):
        branch = long_session(log, harmony, f"session {turn}")
        for milliseconds, counts in ((cold_ms, cold_tokens), (warm_ms, warm_tokens)):
            if milliseconds is cold_ms:
                generator.close()
                generator = TorchGenerator(checkpoint, device="cpu")
            conversation = Conversation(log, branch, harmony=harmony, generator=generator, seed=lambda: 1)
            list(conversation.say("What is the capital of France?"))
            conversation.close()
            ending = last_ending(log, branch)
            milliseconds.append(ending.first_token_ms or 0)
            counts.append(ending.prefilled or 0)
    print(f"a turn on {HISTORY} tokens of history, medians of {ROUNDS}:")
    for name, milliseconds, counts in (("cold", cold_ms, cold_tokens), ("warm", warm_ms, warm_tokens)):
        print(
            f"  {name}: {statistics.median(counts):.0f} tokens computed, "
            f"first token after {statistics.median(milliseconds):.0f} ms"
        )
    ratios = [cold / max(warm, 1) for cold, warm in zip(cold_ms, warm_ms, strict=True)]
    print(f"  the first token comes {statistics.median(ratios):.1f} times sooner")


def compare_logging(folder: Path, harmony: Harmony, checkpoint: Path) -> None:
    generator = TorchGenerator(checkpoint, device="cpu")
    sampling = Sampling(seed=1, max_tokens=TOKENS)
    state = fold(logged(MemoryLog(), "prompt", harmony, generator, Sampling(seed=1, max_tokens=1))[1])
    prompt = render_prompt(state, harmony).ids
    logs: dict[str, EventLog] = {"a log in memory": MemoryLog(), "the log in SQLite": open_log(folder / "decode.db")}
    times: dict[str, list[float]] = {name: [] for name in ("the bare generator", *logs)}

    def bare() -> float:
        # A random model hardly ever stops by itself, and when it does, all do at the same token.
        begun = time.perf_counter()
        for _ in generator.generate(prompt, sampling, STOP_IDS, lambda: False):
            pass
        return time.perf_counter() - begun

    bare()
    for turn in range(3 * ROUNDS):
        times["the bare generator"].append(bare())
        for name, log in logs.items():
            times[name].append(logged(log, f"s{turn}", harmony, generator, sampling)[0])
    print(f"an answer of {TOKENS} tokens, medians of {3 * ROUNDS}:")
    for name, seconds in times.items():
        print(f"  {name}: {TOKENS / statistics.median(seconds):.0f} tokens/s")
    for name, beside in (("the log in SQLite", "a log in memory"), ("the log in SQLite", "the bare generator")):
        ratios = [one / other for one, other in zip(times[name], times[beside], strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4)
        print(f"  {name} takes {statistics.median(ratios):.3f} times {beside} (quartiles {low:.3f} to {high:.3f})")


def logged(
    log: EventLog, name: str, harmony: Harmony, generator: TorchGenerator, sampling: Sampling
) -> tuple[float, list[StoredEvent]]:
    """The seconds that a turn of a new session takes, and the history up to the user's message."""
    branch = log.start(name, Settings(start_date="2026-01-02")).branch
    conversation = Conversation(log, branch, harmony=harmony, generator=generator, seed=lambda: 1, sampling=sampling)
    begun = time.perf_counter()
    for _ in conversation.say("Tell me something long."):
        pass
    seconds = time.perf_counter() - begun
    conversation.close()
    return seconds, list(log.read(branch, until=2))


class _NoModel:
    name = fingerprint = arithmetic = "none"
    max_context = 1 << 20


NO_MODEL = _NoModel()  # type: ignore[var-annotated]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        harmony = Harmony.load(folder)
        checkpoint = materialise(folder)
        compare_prefills(folder, harmony, checkpoint)
        compare_logging(folder, harmony, make_checkpoint(folder, per_token=2))


if __name__ == "__main__":
    main()
