"""Each decoding kernel alone, with several tiles: microseconds and the share of a copy's bandwidth. Needs a CUDA GPU.

    python -m benchmarks.triton_tiles [KERNEL ...]

Every kernel runs over the weights of all layers in turn, in one CUDA graph, so nothing is read from a cache.
"""

import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import torch

from benchmarks.random20b import geometry, random_weights
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder, Tile, Tiles
from gptoss.backends.triton.weights import Weights

_CANDIDATES: dict[str, list[tuple[int, ...]]] = {
    "qkv": [
        (4, 512, 4, 2048), (4, 512, 4, 1024), (8, 512, 4, 1024), (2, 512, 2, 2048), (2, 512, 4, 2048),
        (2, 256, 1, 1024), (1, 256, 1, 2048), (8, 512, 8, 2048), (4, 512, 8, 2048),
    ],
    "out": [
        (4, 512, 4, 4096), (2, 512, 2, 4096), (8, 512, 4, 2048), (4, 512, 4, 2048), (1, 512, 1, 4096),
        (2, 512, 1, 2048), (8, 512, 8, 4096), (4, 512, 8, 4096),
    ],
    "up": [(4, 128, 1), (8, 128, 1), (16, 128, 1), (8, 128, 2), (16, 128, 2), (16, 128, 4)],
    "down": [(1, 128, 1), (2, 128, 1), (4, 128, 1), (4, 128, 4), (8, 128, 4)],
    "unembedding": [(4, 512, 1), (4, 256, 1), (8, 256, 1), (8, 512, 2)],
    "attention": [(16, 32, 4), (16, 64, 4), (16, 128, 4), (16, 64, 2), (16, 32, 2), (16, 64, 8)],
    "router": [(1, 0, 4)],
}  # fmt: skip
CANDIDATES = {name: [Tile(*numbers) for numbers in tiles] for name, tiles in _CANDIDATES.items()}
CONTEXTS = (1024, 8192, 16384)


def graph_of(launch: Callable[[], None]) -> Callable[[], None]:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        launch()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        launch()
    return graph.replay


def microseconds(run: Callable[[], object], rounds: int = 30) -> float:
    for _ in range(5):
        run()
    times = []
    for _ in range(rounds):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end) * 1000)
    return statistics.median(times)


def copy_bandwidth() -> float:
    """Bytes per second, read and written."""
    source = torch.randint(0, 1 << 30, (1 << 29,), dtype=torch.int32, device="cuda")
    target = torch.empty_like(source)
    return 2 * source.nbytes / microseconds(lambda: (target.copy_(source), None)[1], 10) * 1e6


def launches(decoder: Decoder, cache: KVCache, kernel: str) -> None:
    for layer, (keys, values) in zip(decoder.weights.layers, cache.data, strict=True):
        if kernel == "qkv":
            decoder.project_qkv(layer, keys, values)
        elif kernel == "attention":
            decoder.attend(layer, keys, values)
        else:
            {
                "out": decoder.project_out,
                "router": decoder.score_experts,
                "up": decoder.expert_up,
                "down": decoder.expert_down,
            }[kernel](layer)


def bytes_of(weights: Weights, kernel: str) -> int:
    config, layer = weights.config, weights.layers[0]
    chosen = config.experts_per_token
    return {
        "qkv": layer.qkv.nbytes,
        "out": layer.out.nbytes,
        "router": layer.router.nbytes,
        "up": (layer.up.words.nbytes + layer.up.exponents.nbytes) // config.num_experts * chosen,
        "down": (layer.down.words.nbytes + layer.down.exponents.nbytes) // config.num_experts * chosen,
        "unembedding": weights.unembedding.nbytes,
        "attention": 2 * config.num_key_value_heads * config.head_dim * 2 * (1024 + 128) // 2,
    }[kernel]


def compile_one(job: tuple[str, Tile, bool]) -> None:
    """In a process of its own: leaves the kernel in the disk cache."""
    kernel, tile, dependent = job
    config = geometry("20b", num_hidden_layers=1)
    decoder, cache = prepared(
        random_weights(config, torch.device("cuda")), Tiles()._replace(**{kernel: tile}), dependent
    )
    one(decoder, cache, kernel)
    torch.cuda.synchronize()


def prepared(
    weights: Weights, tiles: Tiles, dependent: bool, tokens: int = 1024, **options: Any
) -> tuple[Decoder, KVCache]:
    decoder = Decoder(weights, tiles, dependent=dependent, **options)
    cache = KVCache(weights.config, weights.device)
    cache.reserve(tokens + 64)
    cache.data.normal_()
    decoder.position.fill_(tokens)
    decoder.hidden.normal_()
    decoder.scores.normal_()
    decoder.temperature.fill_(1.0)
    return decoder, cache


def one(decoder: Decoder, cache: KVCache, kernel: str) -> None:
    if kernel == "unembedding":
        decoder.unembed()
    else:
        launches(decoder, cache, kernel)


def main() -> None:
    names = sys.argv[1:] or list(CANDIDATES)
    jobs = [(name, tile, True) for name in names for tile in CANDIDATES[name]]
    with ProcessPoolExecutor(14, mp_context=torch.multiprocessing.get_context("spawn")) as pool:
        list(pool.map(compile_one, jobs))
    bandwidth = copy_bandwidth()
    print(f"{torch.cuda.get_device_name()}: a copy moves {bandwidth / 1e12:.2f} TB/s", flush=True)
    weights = random_weights(geometry("20b"), torch.device("cuda"))
    best = Tiles()
    for name in names:
        count = 1 if name == "unembedding" else weights.config.num_hidden_layers
        size = bytes_of(weights, name)
        results = []
        for tile in CANDIDATES[name]:
            decoder, cache = prepared(weights, Tiles()._replace(**{name: tile}), True)
            taken = microseconds(graph_of(lambda d=decoder, c=cache, n=name: one(d, c, n))) / count
            results.append((taken, tile))
            share = size / taken * 1e6 / bandwidth
            print(
                f"{name:12} {tuple(tile)!s:20} {taken:8.2f} us  {size / taken / 1e6:6.2f} TB/s  {share:5.2f} of copy",
                flush=True,
            )
        best = best._replace(**{name: min(results)[1]})
    print(best)
    for dependent in (True, False):
        for splits in (8, 16, 32):
            for context in CONTEXTS:
                decoder, cache = prepared(weights, best, dependent, context, splits=splits)

                def step(d: Decoder = decoder, c: KVCache = cache) -> None:
                    d.layers(c)
                    d.unembed()
                    d.draw()

                taken = microseconds(graph_of(step))
                print(
                    f"step at {context:6}, {splits} splits, dependent {dependent}: {taken:8.1f} us, "
                    f"{1e6 / taken:6.1f} tokens/s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
