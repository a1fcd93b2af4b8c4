"""What a turn costs beside the model: `python -m benchmarks.turn`.

Two questions, each answered by taking turns within one run, so that whatever else the machine does hits both sides:

- A session with 4,000 tokens of history: how many prompt tokens does the next turn compute, and how long does its first
  token take, with the cache of the turn before and without any?
- Decoding 300 tokens through a conversation: how much slower is it with every token logged in SQLite than with the bare
  generator?
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.decode import make_checkpoint
from gptoss.backends.demo.materialise import materialise
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.events import GenerationFinished, MessageAppended
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import EventLog
from gptoss.engine.reducer import fold
from gptoss.engine.rendering import render_prompt
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.tokens import STOP_IDS
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
    log = open_log(folder / "decode.db")
    generator = TorchGenerator(checkpoint, device="cpu")
    sampling = Sampling(seed=1, max_tokens=TOKENS)
    prompt: tuple[int, ...] = ()
    number = 0

    def bare() -> None:
        # A random model hardly ever stops by itself, and when it does, both do at the same token.
        for _ in generator.generate(prompt, sampling, STOP_IDS, lambda: False):
            pass

    def logged() -> None:
        nonlocal number, prompt
        number += 1
        branch = log.start(f"s{number}", Settings(start_date="2026-01-02")).branch
        conversation = Conversation(
            log, branch, harmony=harmony, generator=generator, seed=lambda: 1, sampling=sampling
        )
        list(conversation.say("Tell me something long."))
        prompt = render_prompt(fold(log.read(branch, until=2)), harmony).ids
        conversation.close()

    def seconds(work: Callable[[], None]) -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    seconds(logged)
    pairs = [(seconds(bare), seconds(logged)) for _ in range(3 * ROUNDS)]
    ratio = statistics.median(with_log / without for without, with_log in pairs)
    spread = statistics.quantiles([with_log / without for without, with_log in pairs], n=4)
    print(f"decoding {TOKENS} tokens, medians of {3 * ROUNDS}:")
    print(f"  bare {TOKENS / statistics.median(p[0] for p in pairs):.0f} tokens/s")
    print(f"  logged {TOKENS / statistics.median(p[1] for p in pairs):.0f} tokens/s")
    print(f"  time with the log / without: {ratio:.3f} (quartiles {spread[0]:.3f} to {spread[2]:.3f})")


class _NoModel:
    name = fingerprint = "none"
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
