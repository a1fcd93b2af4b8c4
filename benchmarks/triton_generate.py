"""The Triton backend through its port: time to the first token and tokens per second, random weights made on the card.

    python -m benchmarks.triton_generate [--geometry 20b|120b] [--contexts 1024 8192 16384] [--rounds 3]

Under torchrun the ranks share the model. Every figure is a median. `warm` adds 100 tokens to the longest context.
"""

import argparse
import os
import random
import statistics
import time

import torch

from benchmarks.random20b import geometry, random_weights
from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.triton.generator import TritonGenerator
from gptoss.engine.settings import Sampling

DECODED = 256


def prompt_of(length: int) -> list[int]:
    return [random.randrange(1000, 190_000) for _ in range(length)]


def timed(generator: TritonGenerator, prompt: list[int], tokens: int) -> tuple[float, float, list[int]]:
    """Seconds to the first token, tokens per second after it, and the tokens."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    ids, first = [], 0.0
    for chunk in generator.generate(prompt, Sampling(temperature=1.0, max_tokens=tokens), frozenset(), lambda: False):
        if chunk.ids and not ids:
            first = time.perf_counter()
        ids += chunk.ids
    return first - start, (len(ids) - 1) / (time.perf_counter() - first) if tokens > 1 else 0.0, ids


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--geometry", default="20b")
    arguments.add_argument("--contexts", type=int, nargs="+", default=[1024, 8192, 16384])
    arguments.add_argument("--rounds", type=int, default=3)
    asked = arguments.parse_args()
    group: Group = ALONE
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        from gptoss.backends.parallel.group import Ranks, meeting_point, place
        from gptoss.backends.parallel.world import world

        here = world()
        group = Ranks(here, meeting_point(here), place(here))
    random.seed(0)
    start = time.perf_counter()
    generator = TritonGenerator.over(
        random_weights(geometry(asked.geometry), torch.device("cuda"), group=group), "random", group
    )
    timed(generator, prompt_of(128), 8)
    timed(generator, prompt_of(3000), 8)
    say = print if group.rank == 0 else lambda *_, **__: None
    say(
        f"{torch.cuda.get_device_name()} x {group.size}, {asked.geometry}: ready after "
        f"{time.perf_counter() - start:.1f} s, {torch.cuda.memory_allocated() / 1e9:.1f} GB",
        flush=True,
    )
    for context in asked.contexts:
        runs = [timed(generator, prompt_of(context), DECODED + 1) for _ in range(asked.rounds)]
        firsts, rates = [run[0] for run in runs], [run[1] for run in runs]
        say(f"context {context}: first token {statistics.median(firsts) * 1000:.1f} ms, "
            f"decode {statistics.median(rates):.1f} tokens/s", flush=True)  # fmt: skip
    long = prompt_of(max(asked.contexts))
    timed(generator, long, 1)
    warm = []
    for _ in range(5):
        warm.append(timed(generator, [*long, *prompt_of(100)], 1)[0])
    say(f"100 more after {len(long)}: first token {statistics.median(warm) * 1000:.1f} ms", flush=True)
    again = [timed(generator, long[:1000], 64)[2]]
    generator._cache.ids.clear()
    again.append(timed(generator, long[:1000], 64)[2])
    say(f"a cold and a warm cache give the same 64 tokens: {again[0] == again[1]}", flush=True)


if __name__ == "__main__":
    main()
