"""How long a prompt takes in the Triton backend, with several tiles of the larger kernels. Needs a CUDA GPU.

    python -m benchmarks.triton_prefill [--geometry 20b|120b]

The tiles are compared at 2,048 tokens; with the best of them prompts of several lengths are timed, from the first token
computed to the last hidden state, and what each kernel takes of one of them is printed.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor

import torch
from triton.runtime.errors import OutOfResources

from benchmarks.random20b import geometry, random_weights
from benchmarks.triton_tiles import microseconds
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.prefill import FlashTile, GroupedTile, Prefill
from gptoss.backends.triton.weights import Weights

GROUPED = [
    GroupedTile(*numbers)
    for numbers in (
        (128, 64, 4, 4, 3), (128, 64, 4, 4, 2), (128, 128, 4, 8, 3), (128, 128, 4, 8, 2), (256, 64, 4, 8, 3),
        (256, 128, 2, 8, 3), (128, 128, 2, 8, 3), (128, 256, 2, 8, 3), (128, 256, 4, 8, 2), (256, 64, 2, 8, 3),
        (128, 128, 4, 4, 2), (128, 64, 2, 4, 3),
    )
]  # fmt: skip
FLASH = [FlashTile(128, 64, 4, 3), FlashTile(128, 64, 8, 3)]
LENGTHS = ((0, 1024), (0, 2048), (0, 4096), (0, 8192), (8192, 8192), (16384, 100), (1024, 16))


def run(prefill: Prefill, cache: KVCache, start: int, count: int, chunk: int = 1 << 20) -> None:
    cache.ids = [0] * start
    ids = torch.randint(1000, 190_000, (count,), device=prefill.weights.device)
    for part in ids.split(chunk):
        prefill.forward(part, cache)
        cache.ids += [0] * len(part)


def fits(job: tuple[GroupedTile, FlashTile]) -> bool:
    """Compiles the kernels, in a process of its own, and leaves them in the disk cache."""
    config = geometry("20b", num_hidden_layers=2)
    prefill, cache = prepared(random_weights(config, torch.device("cuda")), *job, tokens=64)
    try:
        run(prefill, cache, 0, 64)
    except OutOfResources as error:
        print(job, error)
        return False
    torch.cuda.synchronize()
    return True


def prepared(weights: Weights, grouped: GroupedTile, flash: FlashTile, tokens: int) -> tuple[Prefill, KVCache]:
    cache = KVCache(weights.config, weights.device)
    cache.reserve(tokens)
    cache.data.normal_()
    return Prefill(weights, grouped, flash), cache


@torch.inference_mode()
def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--geometry", default="20b")
    name = arguments.parse_args().geometry
    jobs = [(tile, FLASH[0]) for tile in GROUPED] + [(GROUPED[0], tile) for tile in FLASH]
    with ProcessPoolExecutor(14, mp_context=torch.multiprocessing.get_context("spawn")) as pool:
        jobs = [job for job, fit in zip(jobs, pool.map(fits, jobs), strict=True) if fit]
    weights = random_weights(geometry(name), torch.device("cuda"))
    results = []
    for grouped, flash in jobs:
        prefill, cache = prepared(weights, grouped, flash, 2048)
        taken = microseconds(lambda p=prefill, c=cache: run(p, c, 0, 2048), 5)
        results.append((taken, grouped, flash))
        print(f"2048 tokens, experts {tuple(grouped)}, attention {tuple(flash)}: {taken / 1000:.1f} ms", flush=True)
    grouped = min(result[:2] for result in results if result[2] == FLASH[0])[1]
    flash = min((result[0], result[2]) for result in results if result[1] == GROUPED[0])[1]
    print("best:", grouped, flash)
    for count in (100, 512, 1024, 8192):
        for tile in GROUPED:
            prefill, cache = prepared(weights, tile, flash, 8192)
            taken = microseconds(lambda p=prefill, c=cache, n=count: run(p, c, 0, n), 5)
            print(f"{count} tokens {tuple(tile)} {taken / 1000:.1f} ms")
    prefill, cache = prepared(weights, grouped, flash, 16_640)
    for start, count in LENGTHS:
        taken = microseconds(lambda s=start, n=count: run(prefill, cache, s, n), 5)
        print(f"{count} tokens after {start}: {taken / 1000:.1f} ms, {count / taken * 1e6:.0f} tokens/s", flush=True)
    for start, count in ((0, 1024), (8192, 8192), (16384, 100)):
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
            run(prefill, cache, start, count)
            torch.cuda.synchronize()
        rows = sorted(profile.key_averages(), key=lambda row: -row.device_time_total)[:9]
        total = sum(row.device_time_total for row in profile.key_averages())
        print(f"-- {count} after {start}: {total / 1000:.1f} ms of kernels")
        for row in rows:
            print(f"   {row.device_time_total / 1000:7.2f} ms {row.count:5} {row.key[:70]}")


if __name__ == "__main__":
    main()
