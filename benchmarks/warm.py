"""How soon the first token of a long session comes: `python -m benchmarks.warm [--tokens 8000] [--backend torch]`.

A session of so many tokens is gone on with, by a generator that is loaded already, in turns within one run:

- cold: nothing is cached, as in a new process without a file;
- from disk: a new process that finds the file of the last one, reading it included;
- computed while idle: what the prompt begins with was computed before the message came.

The embedded model by default; `--checkpoint` names another one.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.opening import open_generator
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling

MESSAGE = 20
"""Tokens of the message that goes on with it."""


def never() -> bool:
    return False


class Session:
    """Tokens that a vocabulary of every size has, told apart by their number."""

    def __init__(self, tokens: int) -> None:
        self.ids = [3 + n * n % 997 for n in range(tokens)]

    def asked(self, number: int) -> list[int]:
        return [*self.ids, *(3 + (number + n) % 499 for n in range(MESSAGE))]


def first_token(generator: TokenGenerator, prompt: list[int]) -> tuple[float, int]:
    """Seconds until it is there, and how many tokens of the prompt were computed."""
    begun, computed = time.perf_counter(), 0
    for chunk in generator.generate(prompt, Sampling(temperature=0.0, max_tokens=1), frozenset(), never):
        computed += chunk.prefilled
    return time.perf_counter() - begun, computed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=8000)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generator = open_generator(args.backend, args.checkpoint or materialise(folder))
        session, file = Session(args.tokens), folder / "session"
        seconds: dict[str, list[float]] = {"cold": [], "from disk": [], "computed while idle": []}
        written: list[float] = []
        tokens: dict[str, int] = {}
        first_token(generator, session.ids[:64])  # what is made at first use is made
        for number in range(args.rounds):
            prompt, other = session.asked(number), [5, number + 3]

            first_token(generator, other)  # nothing of the session is cached any more
            taken, tokens["cold"] = first_token(generator, prompt)
            seconds["cold"].append(taken)

            first_token(generator, other)
            for _ in generator.prefill(session.ids, never):
                pass
            taken, tokens["computed while idle"] = first_token(generator, prompt)
            seconds["computed while idle"].append(taken)

            file.unlink(missing_ok=True)
            begun = time.perf_counter()
            if generator.store(session.ids, file, 1 << 40) != args.tokens:
                raise SystemExit("no file was written")
            written.append(time.perf_counter() - begun)

            first_token(generator, other)
            begun = time.perf_counter()
            generator.recall(session.ids, file)
            recalled = time.perf_counter() - begun
            taken, tokens["from disk"] = first_token(generator, prompt)
            seconds["from disk"].append(recalled + taken)
        print(f"{generator.name} ({generator.arithmetic}), {args.tokens} tokens, medians of {args.rounds}:")
        for way, times in seconds.items():
            ratios = [cold / each for cold, each in zip(seconds["cold"], times, strict=True)]
            print(
                f"  {way}: {tokens[way]} tokens computed, first token after {1000 * statistics.median(times):.0f} ms, "
                f"{statistics.median(ratios):.1f} times as soon as cold ({min(ratios):.1f} to {max(ratios):.1f})"
            )
        size = file.stat().st_size
        print(f"  the file: {size / 1e6:.0f} MB, written in {1000 * statistics.median(written):.0f} ms")
        generator.close()


if __name__ == "__main__":
    main()
