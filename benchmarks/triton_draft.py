"""Drafts on the Triton backend: what a step with one takes, and what it gives. Random weights in the 20b geometry.

    python -m benchmarks.triton_draft [--contexts 1024 8192] [--tokens 256]

First each kernel and whole steps of 1 to 8 tokens, and whether their bits are those of single steps. Then answers
through the port: drafts from the answer itself, of which a share is made wrong, beside none, in turns; and drafts from
a prompt in which nothing comes twice, which are to cost nothing. Needs a CUDA GPU.
"""

import argparse
import random
import statistics
import time

import torch

from benchmarks.random20b import geometry, random_weights
from benchmarks.triton_tiles import graph_of, launches, microseconds
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.generator import TritonGenerator
from gptoss.backends.triton.lookup import Lookup
from gptoss.backends.triton.tiles import FEW, Tile
from gptoss.backends.triton.trial import DRAFT
from gptoss.backends.triton.weights import Weights
from gptoss.engine.settings import Sampling

KERNELS = ("qkv", "attention", "out", "router", "up", "down")
UNEMBEDDING = (Tile(2, 256, 1), Tile(4, 256, 1), Tile(8, 256, 1))
QKV = (Tile(1, 256, 1, 1024), Tile(2, 256, 1, 1024))


def filled(weights: Weights, context: int) -> KVCache:
    cache = KVCache(weights.config, weights.device)
    cache.reserve(context + 64)
    cache.data.normal_()
    return cache


def entered(weights: Weights, count: int, context: int, tiles: object = None) -> Decoder:
    decoder = Decoder(weights, tiles, tokens=count, dependent=True)  # type: ignore[arg-type]
    decoder.temperature.fill_(1.0)
    decoder.enter([1000 + 77 * n for n in range(count)], context)
    return decoder


def steps(weights: Weights, context: int) -> None:
    cache = filled(weights, context)
    single = 0.0
    for count in (1, 2, 3, 4, 5, 6, 8):
        decoder = entered(weights, count, context)

        def step(d: Decoder = decoder) -> None:
            d.forward(cache)
            d.draw()

        taken = microseconds(graph_of(step))
        single = single or taken
        parts = {}
        for name in KERNELS:
            parts[name] = microseconds(graph_of(lambda d=decoder, n=name: launches(d, cache, n)))
        parts["unembedding"] = microseconds(graph_of(decoder.unembed))
        print(f"{count} tokens after {context:6}: {taken:7.1f} us, {taken / single:.2f} single steps;",
              ", ".join(f"{name} {us:.0f}" for name, us in parts.items()), flush=True)  # fmt: skip
    for tile in UNEMBEDDING:
        decoder = entered(weights, 1 + DRAFT, context, FEW._replace(unembedding=tile))
        print(f"unembedding {tuple(tile)}: {microseconds(graph_of(decoder.unembed)):.0f} us", flush=True)
    for tile in QKV:
        decoder = entered(weights, 1 + DRAFT, context, FEW._replace(qkv=tile))
        print(
            f"qkv {tuple(tile)}: {microseconds(graph_of(lambda d=decoder: launches(d, cache, 'qkv'))):.0f} us",
            flush=True,
        )


def bits(weights: Weights, context: int) -> None:
    """Whether what is computed together is what is computed one by one."""
    caches = [filled(weights, context), filled(weights, context)]
    caches[1].data.copy_(caches[0].data)
    for count in (2, 4, 8):
        few = entered(weights, count, context)
        few.forward(caches[0])
        few.draw()
        same = True
        for n in range(count):
            one = entered(weights, 1, context)
            one.enter([1000 + 77 * n], context + n)
            one.forward(caches[1])
            one.draw()
            same &= torch.equal(few.logits[n], one.logits[0]) and bool(few.token[n] == one.token[0])
        same &= torch.equal(caches[0].data, caches[1].data)
        print(f"{count} tokens after {context}: bits as one by one: {same}", flush=True)


class Told(Lookup):
    """Drafts the answer that is known, each token wrong with the same probability."""

    answer: list[int] = []  # noqa: RUF012
    begin = 0
    wrong = 0.0
    chance = random.Random(0)

    def draft(self) -> list[int]:
        at = len(self._text) - self.begin
        draft = self.answer[at : at + self._draft]
        if self._waiting or len(draft) < self._draft:
            return []
        return [token if self.chance.random() >= self.wrong else 5 for token in draft]


def rate(generator: TritonGenerator, prompt: list[int], tokens: int, temperature: float) -> tuple[float, list[int]]:
    """Tokens per second after the first few, and the tokens."""
    ids: list[int] = []
    first = 0.0
    sampling = Sampling(temperature=temperature, seed=1, max_tokens=tokens)
    for chunk in generator.generate(prompt, sampling, frozenset(), lambda: False):
        ids += chunk.ids
        if len(ids) == 1 + DRAFT:  # they may be from one step
            first = time.perf_counter()
    return (tokens - 1 - DRAFT) / (time.perf_counter() - first), ids


def answers(weights: Weights, contexts: list[int], tokens: int) -> None:
    from gptoss.backends.triton import generator as module

    plain = TritonGenerator.over(weights, "random", speculates=False)
    drafting = TritonGenerator.over(weights, "random")
    for context in contexts:
        prompt = [random.randrange(1000, 190_000) for _ in range(context)]
        _, answer = rate(plain, prompt, tokens, 1.0)
        Told.answer, Told.begin = answer, len(prompt)
        for wrong in (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, None):
            module.Lookup = Lookup if wrong is None else Told  # type: ignore[misc,assignment]
            Told.wrong = wrong or 0.0
            ratios, same = [], True
            for _ in range(3):
                singly, expected = rate(plain, prompt, tokens, 1.0)
                drafted, found = rate(drafting, prompt, tokens, 1.0)
                same &= expected == found
                ratios.append(drafted / singly)
            what = "looked up, nothing comes twice" if wrong is None else f"{wrong:.0%} of a draft's tokens wrong"
            print(f"after {context}: {what}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) "
                  f"of plain, {singly:.0f} tokens/s; same tokens: {same}", flush=True)  # fmt: skip
        module.Lookup = Lookup  # type: ignore[misc]


@torch.inference_mode()
def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--contexts", type=int, nargs="+", default=[1024, 8192])
    arguments.add_argument("--tokens", type=int, default=256)
    asked = arguments.parse_args()
    random.seed(0)
    weights = random_weights(geometry("20b"), torch.device("cuda"))
    print(torch.cuda.get_device_name(), flush=True)
    for context in asked.contexts:
        bits(weights, context)
        steps(weights, context)
    answers(weights, asked.contexts, asked.tokens)


if __name__ == "__main__":
    main()
