"""What our layer costs beside vLLM's bare engine.

    python -m benchmarks.vllm_layer [CHECKPOINT] [LENGTH ...] [NAME=VALUE ...]

One engine, with the embedded model unless a checkpoint is named, and the engine arguments given. Asked directly and
through the backend it answers in turns, so that whatever else the machine does hits both: prompts of 1,024 fresh
tokens (or other lengths), 256 new tokens, at temperature 0 and at temperature 1, where vLLM draws by itself when it is
asked directly and we draw within it otherwise. Printed are medians and the ratio of each pair.
"""

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.opening import open_generator
from gptoss.backends.vllm.options import VllmRequest
from gptoss.engine.settings import Sampling

TOKENS, ROUNDS = 256, 7


class Run(NamedTuple):
    first: float
    """Seconds to the first token."""
    rate: float
    """Tokens a second after it."""


def prompt(length: int) -> list[int]:
    return [random.randrange(1000, 190_000) for _ in range(length)]


def through(generator: Any, temperature: float, length: int) -> Run:
    sampling = Sampling(temperature=temperature, seed=5, max_tokens=TOKENS + 1)
    begun = time.perf_counter()
    chunks = generator.generate(prompt(length), sampling, frozenset(), lambda: False)
    times = [(time.perf_counter(), len(chunk.ids)) for chunk in chunks if chunk.ids]
    return _run(begun, times)


def directly(generator: Any, temperature: float, length: int) -> Run:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    params = SamplingParams(
        temperature=temperature, max_tokens=TOKENS + 1, ignore_eos=True, output_kind=RequestOutputKind.DELTA
    )

    async def ask() -> list[tuple[float, int]]:
        outputs = generator._engine.generate({"prompt_token_ids": prompt(length)}, params, f"bare-{random.random()}")
        return [(time.perf_counter(), len(output.outputs[0].token_ids)) async for output in outputs]

    begun = time.perf_counter()
    return _run(begun, generator._loop.run_until_complete(ask()))


def _run(begun: float, times: list[tuple[float, int]]) -> Run:
    (first, at_once), (last, _) = times[0], times[-1]
    return Run(first - begun, (sum(count for _, count in times) - at_once) / (last - first))


def compare(title: str, one: Callable[[], Run], other: Callable[[], Run]) -> None:
    pairs = [(one(), other()) if number % 2 else (other(), one())[::-1] for number in range(ROUNDS + 1)][1:]
    ours, bare = zip(*pairs, strict=True)
    ratios = [mine.rate / theirs.rate for mine, theirs in pairs]
    later = [1000 * (mine.first - theirs.first) for mine, theirs in pairs]

    def median(runs: Sequence[Run], name: str) -> float:
        return statistics.median(getattr(run, name) for run in runs)

    print(
        f"{title}: {median(ours, 'rate'):.1f} tokens/s beside {median(bare, 'rate'):.1f}, "
        f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); "
        f"first token {1000 * median(ours, 'first'):.1f} beside {1000 * median(bare, 'first'):.1f} ms, "
        f"later by {statistics.median(later):.1f} ({min(later):.1f} to {max(later):.1f})",
        flush=True,
    )


def main(words: list[str]) -> None:
    arguments = [word for word in words if "=" in word]
    with tempfile.TemporaryDirectory() as folder:
        lengths = [int(word) for word in words if word.isdigit()] or [1024]
        named = [Path(word) for word in words if "=" not in word and not word.isdigit()]
        checkpoint = named[0] if named else materialise(Path(folder) / "cache")
        options = VllmRequest(arguments=tuple(arguments)).options(Path(folder) / "cache", Path(folder), environment={})
        generator = open_generator("vllm", checkpoint, options)
        for length in lengths:
            for temperature in (0.0, 1.0):
                compare(
                    f"{length} tokens, temperature {temperature:g}",
                    partial(through, generator, temperature, length),
                    partial(directly, generator, temperature, length),
                )
        generator.close()


if __name__ == "__main__":
    main(sys.argv[1:])
