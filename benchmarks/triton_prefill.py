"""How long a prompt takes in the Triton backend, and which tiles suit the experts' products. Needs a CUDA GPU.

    python -m benchmarks.triton_prefill [--geometry 20b|120b] [--tiles] [--attention]

With --tiles the products of one layer's experts are timed with many tiles, for prompts of several lengths; with
--attention, its attention, with a window and without. Then whole prompts, from the first token computed to the last
keys and values, what launching takes of the processor, and what each kernel takes.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import torch
import triton

from benchmarks.random20b import geometry, random_weights
from benchmarks.triton_tiles import graph_of, microseconds
from gptoss.backends.triton import card
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.experts import Experts
from gptoss.backends.triton.graphs import Graphs
from gptoss.backends.triton.prefill import Prefill
from gptoss.backends.triton.prompts import Prompts
from gptoss.backends.triton.tiles import FlashTile, GroupedTile, GroupedTiles
from gptoss.backends.triton.weights import Weights

TILES = tuple(
    GroupedTile(*numbers)
    for numbers in (
        (128, 256, 4, 8, 3), (128, 256, 2, 8, 3), (128, 256, 2, 8, 4), (128, 256, 4, 8, 2), (64, 256, 2, 4, 3),
        (256, 128, 2, 8, 4), (128, 128, 2, 4, 4), (128, 128, 2, 4, 3), (128, 128, 2, 8, 4), (128, 128, 2, 8, 3),
        (128, 128, 4, 8, 3), (128, 64, 4, 4, 3), (128, 64, 2, 4, 3), (128, 64, 2, 4, 4),
    )
)  # fmt: skip
FLASH = tuple(
    FlashTile(*numbers)
    for numbers in (
        (64, 64, 4, 3), (64, 64, 4, 2), (64, 64, 4, 4), (64, 128, 4, 2), (64, 128, 4, 3), (128, 64, 4, 3),
        (128, 64, 8, 3), (128, 64, 8, 2), (128, 128, 8, 2), (128, 128, 8, 3), (128, 32, 4, 4), (64, 32, 4, 4),
        (256, 64, 8, 3),
    )
)  # fmt: skip
TOKENS = (100, 512, 1024, 2048, 8192)
LENGTHS = ((0, 100), (0, 1024), (0, 2048), (0, 4096), (0, 8192), (0, 16384), (16384, 100), (16384, 16))


def milliseconds(run: Callable[[], object], rounds: int = 7) -> float:
    return microseconds(run, rounds) / 1000


def products(weights: Weights, tile: GroupedTile, tokens: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """One layer's first and second matrices, for choices as the router makes them of random inputs."""
    config, layer = weights.config, weights.layers[0]
    of_one = Experts(config, GroupedTiles(*[tile] * 3))
    offsets = of_one._choose(layer, torch.randn(tokens, config.hidden_size, device="cuda").bfloat16())[2]
    choices = tokens * config.experts_per_token
    inputs = (torch.randn(choices, config.hidden_size, device="cuda") * layer.input_factor).half()
    inner = torch.randn(choices, config.intermediate_size, device="cuda").half()
    parts = torch.empty_like(inputs, dtype=torch.bfloat16)
    return lambda: of_one.up(layer, inputs, offsets, inner), lambda: of_one.down(layer, inner, offsets, parts)


@torch.inference_mode()
def compiled(tile: GroupedTile) -> bool:
    """In a process of its own: leaves the kernels in the disk cache."""
    weights = random_weights(geometry("20b", num_hidden_layers=1, vocab_size=1000), torch.device("cuda"))
    try:
        for run_one in products(weights, tile, 40):
            run_one()
        torch.cuda.synchronize()
    except (triton.TritonError, RuntimeError) as error:  # a tile that the chip has no room for
        print(tile, type(error).__name__, str(error)[:80], flush=True)
        return False
    return True


def compare_tiles(name: str) -> None:
    with ProcessPoolExecutor(14, mp_context=torch.multiprocessing.get_context("spawn")) as pool:
        tiles = [tile for tile, fits in zip(TILES, pool.map(compiled, TILES), strict=True) if fits]
    weights = random_weights(geometry(name, num_hidden_layers=1, vocab_size=1000), torch.device("cuda"))
    config = weights.config
    for tokens in TOKENS:
        work = 2e-9 * tokens * config.experts_per_token * config.hidden_size * config.intermediate_size  # TFLOP/s * ms
        for tile in tiles:
            up, down = (milliseconds(graph_of(run_one)) for run_one in products(weights, tile, tokens))
            print(
                f"{tokens:5} tokens, {tuple(tile)!s:22} up {up:7.3f} ms {2 * work / up:4.0f} TFLOP/s, "
                f"down {down:7.3f} ms {work / down:4.0f} TFLOP/s",
                flush=True,
            )


def attention(weights: Weights, cache: KVCache, tile: FlashTile, layer: int, tokens: int) -> Callable[[], None]:
    config = weights.config
    prefill = Prefill(weights, flash=tile)
    queries = torch.randn(tokens, config.num_attention_heads * config.head_dim, device="cuda").bfloat16()

    def run_one() -> None:
        prefill._attend(weights.layers[layer], queries, *cache.data[layer])

    return run_one


@torch.inference_mode()
def attends(tile: FlashTile) -> bool:
    """In a process of its own: leaves the kernels in the disk cache."""
    weights = random_weights(geometry("20b", num_hidden_layers=2, vocab_size=1000), torch.device("cuda"))
    cache = KVCache(weights.config, weights.device)
    cache.reserve(512)
    try:
        for layer in range(2):
            attention(weights, cache, tile, layer, 300)()
        torch.cuda.synchronize()
    except (triton.TritonError, RuntimeError) as error:
        print(tile, type(error).__name__, str(error)[:80], flush=True)
        return False
    return True


def compare_attention() -> None:
    """TFLOP/s: of the products of the pairs that are seen."""
    with ProcessPoolExecutor(13, mp_context=torch.multiprocessing.get_context("spawn")) as pool:
        tiles = [tile for tile, fits in zip(FLASH, pool.map(attends, FLASH), strict=True) if fits]
    weights = random_weights(geometry("20b", num_hidden_layers=2, vocab_size=1000), torch.device("cuda"))
    config = weights.config
    cache = KVCache(config, weights.device)
    cache.reserve(16_640)
    cache.data.normal_()
    for tokens in (1024, 8192):
        for layer in range(2):
            window = weights.layers[layer].window or tokens
            pairs = sum(min(n + 1, window) for n in range(tokens))
            for tile in tiles:
                taken = milliseconds(graph_of(attention(weights, cache, tile, layer, tokens)))
                rate = 4 * pairs * config.num_attention_heads * config.head_dim / taken / 1e9
                print(
                    f"{tokens:5} tokens, window {window:5}, {tuple(tile)!s:16} {taken:7.3f} ms {rate:6.0f} TFLOP/s",
                    flush=True,
                )


def run(prompts: Prompts, cache: KVCache, start: int, count: int) -> None:
    cache.ids = [0] * start
    prompts.fill(torch.randint(1000, 190_000, (count,)).tolist())


@torch.inference_mode()
def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--geometry", default="20b")
    arguments.add_argument("--tiles", action="store_true")
    arguments.add_argument("--attention", action="store_true")
    asked = arguments.parse_args()
    if asked.tiles:
        compare_tiles(asked.geometry)
    if asked.attention:
        compare_attention()
    weights = random_weights(geometry(asked.geometry), torch.device("cuda"))
    cache = KVCache(weights.config, weights.device)
    cache.reserve(16_640)
    cache.data.normal_()
    division = card.division(weights.device)
    prompts = Prompts(Prefill(weights, division.grouped, division.flash), Graphs(cache))
    for start, count in LENGTHS:
        taken = milliseconds(lambda s=start, n=count: run(prompts, cache, s, n), 5)  # type: ignore[misc]
        begun = time.perf_counter()
        run(prompts, cache, start, count)
        launched = 1000 * (time.perf_counter() - begun)
        torch.cuda.synchronize()
        print(
            f"{count} tokens after {start}: {taken:.2f} ms, {count / taken * 1e3:.0f} tokens/s; "
            f"launched in {launched:.1f} ms",
            flush=True,
        )
    for start, count in ((0, 1024), (0, 8192), (16384, 100)):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            run(prompts, cache, start, count)
            torch.cuda.synchronize()
        rows = sorted(profile.key_averages(), key=lambda row: -row.device_time_total)
        total = sum(row.device_time_total for row in rows)
        print(f"-- {count} after {start}: {total / 1000:.2f} ms in {sum(row.count for row in rows)} kernels")
        for row in rows[:12]:
            print(f"   {row.device_time_total / 1000:7.2f} ms {row.count:5} {row.key[:70]}", flush=True)


if __name__ == "__main__":
    main()
