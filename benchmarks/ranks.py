"""A model on several ranks beside one: the same tokens, how fast, how much memory each takes, and what the sums cost.

    python -m benchmarks.ranks make FOLDER --geometry 20b|120b|tiny [--layers N]
    python -m benchmarks.ranks run FOLDER --out one.json
    torchrun --nproc-per-node 2 -m benchmarks.ranks run FOLDER --beside one.json
    torchrun --nproc-per-node 2 -m benchmarks.ranks kill FOLDER

`make` writes random weights in MXFP4, made on the GPU where there is one. `run` decodes greedily after prompts of
several lengths; with torchrun through the very leader and followers that a chat has, over NCCL where there are GPUs,
else gloo. `--beside` compares the tokens with those of another run and gives the ratios; where the tokens part, it says
by how much the two differ in what they think of them. `kill` sends SIGKILL to the last rank in the middle of an answer.

It needs torch, msgspec and safetensors alone.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import asdict

from gptoss.backends.config import ModelConfig
from gptoss.backends.layouts import dense_tensors, expert_tensors
from gptoss.backends.opening import open_generator
from gptoss.backends.parallel.group import ALONE, Group, Ranks, meeting_point, place
from gptoss.backends.parallel.plan import plan
from gptoss.backends.parallel.world import World, world
from gptoss.engine.errors import RankLost
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling

NEVER: Callable[[], bool] = lambda: False  # noqa: E731
NO_STOP: frozenset[int] = frozenset()


def geometry(name: str, layers: int | None) -> dict[str, Any]:
    published = {"20b": (24, 32), "120b": (36, 128), "tiny": (4, 8)}
    count, experts = published[name]
    tiny = name == "tiny"
    return {
        "num_hidden_layers": layers or count,
        "num_experts": experts,
        "experts_per_token": 4,
        "vocab_size": 201_088,
        "hidden_size": 256 if tiny else 2880,
        "intermediate_size": 320 if tiny else 2880,
        "swiglu_limit": 7.0,
        "head_dim": 64,
        "num_attention_heads": 8 if tiny else 64,
        "num_key_value_heads": 4 if tiny else 8,
        "sliding_window": 128,
        "initial_context_length": 4096,
        "rope_theta": 150_000,
        "rope_scaling_factor": 32.0,
        "rope_ntk_alpha": 1,
        "rope_ntk_beta": 32,
    }


def make(folder: Path, raw: dict[str, Any]) -> None:
    """A checkpoint in OpenAI's layout, written tensor by tensor."""
    config = ModelConfig.parse(raw, folder / "config.json")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    random = torch.Generator(device).manual_seed(0)
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {name: ("BF16", shape) for name, shape in dense_tensors(config)}
    for name, (experts, rows, columns) in expert_tensors(config):
        tensors[f"{name}.blocks"] = ("U8", (experts, rows, columns // 32, 16))
        tensors[f"{name}.scales"] = ("U8", (experts, rows, columns // 32))
    header, offset = {}, 0
    for name, (kind, shape) in tensors.items():
        size = torch.Size(shape).numel() * (2 if kind == "BF16" else 1)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": (offset, offset + size)}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(raw))
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, (_, shape) in tensors.items():
            for part in _drawn(name, shape, random, device):
                file.write(part.cpu().numpy().tobytes())
    print(f"{offset / 1e9:.2f} GB in {folder}")


def _drawn(name: str, shape: tuple[int, ...], random: torch.Generator, device: torch.device) -> Iterator[torch.Tensor]:
    """The bytes of a tensor in parts: of weights that keep the hidden states of a random model in bounds."""
    left = torch.Size(shape).numel()
    while left:
        count = min(left, 1 << 26)
        left -= count
        if name.endswith("blocks"):
            yield torch.randint(0, 256, (count,), dtype=torch.uint8, generator=random, device=device)
        elif name.endswith("scales"):
            yield torch.randint(119, 122, (count,), dtype=torch.uint8, generator=random, device=device)
        else:
            wide = len(shape) == 1 or "bias" in name
            spread = 0.02 if wide else 1.0 if name.startswith("embedding") else shape[-1] ** -0.5
            values = torch.randn(count, generator=random, device=device) * spread + name.endswith("scale")
            yield values.to(torch.bfloat16).view(torch.uint8)


class Timed:
    """A group that measures how long its sums take, waiting for the others included, while `on`."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.rank, self.size, self.device = group.rank, group.size, group.device
        self.on = False
        self.calls = 0
        self.seconds = 0.0
        self._marks: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        return self._measured(lambda: self._group.sum(x))

    def gather(self, x: torch.Tensor, width: int) -> torch.Tensor:
        return self._measured(lambda: self._group.gather(x, width))

    def _measured(self, act: Callable[[], torch.Tensor]) -> torch.Tensor:
        if not self.on:
            return act()
        self.calls += 1
        if self.device is not None and self.device.type == "cuda":
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            result = act()
            end.record()
            self._marks.append((begin, end))
            return result
        started = time.perf_counter()
        result = act()
        self.seconds += time.perf_counter() - started
        return result

    def total(self) -> float:
        if self._marks:
            torch.cuda.synchronize()
            self.seconds += sum(begin.elapsed_time(end) for begin, end in self._marks) / 1000
            self._marks.clear()
        return self.seconds


def decode(generator: TokenGenerator, prompt: list[int], tokens: int) -> tuple[list[int], float, float]:
    """The tokens, seconds until the first one, and seconds for each after it. The prompt is computed anew."""
    list(generator.generate([prompt[0] ^ 1], Sampling(temperature=0.0, max_tokens=1), NO_STOP, NEVER))
    ids: list[int] = []
    started = first = time.perf_counter()
    for chunk in generator.generate(prompt, Sampling(temperature=0.0, max_tokens=tokens), NO_STOP, NEVER):
        if chunk.ids and not ids:
            first = time.perf_counter()
        ids += chunk.ids
    return ids, first - started, (time.perf_counter() - first) / (tokens - 1)


def measure(generator: TokenGenerator, timed: Timed, arguments: argparse.Namespace) -> dict[str, Any]:
    result: dict[str, Any] = {"ranks": timed.size, "backend": generator.name, "tokens": {}, "seconds": {}}
    for length in arguments.prompts:
        prompt = [(n * 7919 + 13) % 200_000 for n in range(length)]
        rounds = [decode(generator, prompt, arguments.tokens) for _ in range(arguments.rounds + 1)][1:]
        ids = rounds[0][0]
        firsts, rests = ([run[n] for run in rounds] for n in (1, 2))
        result["tokens"][str(length)] = ids
        result["seconds"][str(length)] = {"first": statistics.median(firsts), "next": statistics.median(rests)}
        timed.on, timed.calls, timed.seconds = timed.size > 1, 0, 0.0
        list(generator.generate([*prompt, *ids[:8]], Sampling(temperature=0.0, max_tokens=1), NO_STOP, NEVER))
        timed.calls, before = 0, timed.total()
        started = time.perf_counter()
        steps = 16
        list(generator.generate([*prompt, *ids[:9]], Sampling(temperature=0.0, max_tokens=steps), NO_STOP, NEVER))
        spent, whole = timed.total() - before, time.perf_counter() - started
        timed.on = False
        print(
            f"prompt {length}: same tokens in all rounds: {all(run[0] == ids for run in rounds)}; "
            f"{length / statistics.median(firsts):.0f} prompt tokens/s, first token after "
            f"{1000 * statistics.median(firsts):.1f} ms, {1 / statistics.median(rests):.1f} tokens/s"
            + (
                f"; {timed.calls / steps:.0f} sums a step take {1000 * spent / steps:.2f} of "
                f"{1000 * whole / steps:.2f} ms (measuring them included)"
                if timed.size > 1
                else ""
            ),
            flush=True,
        )
    return result


def memory() -> dict[str, float]:
    """Of this process, in MB: on a GPU what torch has allocated; on a CPU its own memory and what it maps of files."""
    if torch.cuda.is_available():
        return {"gpu": torch.cuda.memory_allocated() / 1e6, "gpu_peak": torch.cuda.max_memory_allocated() / 1e6}
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1000 for line in lines if line.startswith("Rss")}
    return {"own": sizes["RssAnon"], "mapped": sizes["RssFile"]}


def report_memory(before: dict[str, float], found: World | None, config: ModelConfig) -> None:
    """One line for each rank, of the weights that it should hold and the memory that it grew by."""
    now = memory()
    part = plan(config, found.rank if found else 0, found.size if found else 1)
    held = _bytes(part.config)
    replicated = sum(
        2 * torch.Size(shape).numel()
        for name, shape in dense_tensors(config)
        if name.endswith(("norm.scale", "gate.weight", "gate.bias", "out.bias", "mlp2_bias"))
    )
    grown = ", ".join(f"{name} {now[name] - before.get(name, 0):.0f} MB" for name in now)
    print(
        f"rank {part.rank}: weights of {held / 1e6:.0f} MB as the file has them, of which {replicated / 1e6:.1f} MB on "
        f"all ranks; memory grew by: {grown}",
        flush=True,
    )


def _bytes(config: ModelConfig) -> int:
    dense = sum(2 * torch.Size(shape).numel() for _, shape in dense_tensors(config))
    return dense + sum(torch.Size(shape).numel() * 17 // 32 for _, shape in expert_tensors(config))


def compare(mine: dict[str, Any], generator: TokenGenerator, beside: Path) -> None:
    other = json.loads(beside.read_text())
    for length, ids in mine["tokens"].items():
        theirs = other["tokens"][length]
        same = next((n for n, (one, two) in enumerate(zip(ids, theirs, strict=False)) if one != two), len(ids))
        speed, base = mine["seconds"][length], other["seconds"][length]
        print(
            f"prompt {length} on {mine['ranks']} beside {other['ranks']}: {same} of {len(ids)} tokens until they part; "
            f"decodes {base['next'] / speed['next']:.2f} times as fast, prefills {base['first'] / speed['first']:.2f} "
            "times as fast",
            flush=True,
        )
        if same < len(ids):
            prompt = [(n * 7919 + 13) % 200_000 for n in range(int(length))]
            end = len(prompt) + same
            mine_says, theirs_says = (
                generator.score([*prompt, *ids[:same], token], end)[0] for token in (ids[same], theirs[same])
            )
            print(f"  there this one thinks {asdict(mine_says)} and of the other's {asdict(theirs_says)}")


def kill(generator: TokenGenerator, victim: int) -> None:
    """The last rank dies in the middle of an answer."""
    drawn, started = 0, time.perf_counter()
    try:
        for chunk in generator.generate([5] * 64, Sampling(temperature=0.0, max_tokens=2000), NO_STOP, NEVER):
            drawn += len(chunk.ids)
            if drawn == 20:
                started = time.perf_counter()
                os.kill(victim, signal.SIGKILL)
    except RankLost as error:
        print(f"{drawn} tokens; {time.perf_counter() - started:.2f} s after the kill: {error}", flush=True)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "run", "kill"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--geometry", choices=["20b", "120b", "tiny"], default="20b")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--prompts", type=lambda text: [int(n) for n in text.split(",")], default=[128, 1024])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--beside", type=Path)
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.folder, geometry(arguments.geometry, arguments.layers))
        return
    found = world()
    device = place(found) if found is not None else torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // (found.local_size if found else 1)))
    config = ModelConfig.load(arguments.folder / "config.json")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if found is None:
        work(arguments, open_generator(arguments.backend, arguments.folder), Timed(ALONE), None, config)
        return
    store = meeting_point(found)
    if found.leads:
        lead(arguments, found, store, device, config)
    else:
        follow(arguments, found, store, device, config)


def work(
    arguments: argparse.Namespace, generator: TokenGenerator, timed: Timed, found: World | None, config: ModelConfig
) -> None:
    result = measure(generator, timed, arguments)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(result))
    if arguments.beside is not None:
        compare(result, generator, arguments.beside)
    report_memory({}, found, config)


def lead(arguments: argparse.Namespace, found: World, store: Any, device: torch.device, config: ModelConfig) -> None:
    from gptoss.backends.parallel.crew import Crew
    from gptoss.backends.parallel.leading import open_together

    signal.signal(signal.SIGTERM, lambda *_: None)  # how a lost rank is announced: here it is raised in time
    crew = Crew(found, store, device.type, lambda sentence: print(sentence, file=sys.stderr))
    group = Ranks(found, store, device)
    crew.abort = group.abort
    timed = Timed(group)
    before = memory()
    started = time.perf_counter()
    generator = open_together(crew, timed, arguments.backend, arguments.folder)
    print(
        f"{found.size} ranks on {device.type} have loaded {arguments.folder} in {time.perf_counter() - started:.1f} s"
    )
    if arguments.what == "kill":
        kill(generator, int(store.get("victim")))
    result = measure(generator, timed, arguments)
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(result))
    if arguments.beside is not None:
        compare(result, generator, arguments.beside)
    report_memory(before, found, config)
    generator.close()
    crew.leave()
    group.close()


def follow(arguments: argparse.Namespace, found: World, store: Any, device: torch.device, config: ModelConfig) -> None:
    from gptoss.backends.parallel.following import Follower

    if found.rank == found.size - 1:
        store.set("victim", str(os.getpid()))
    follower = Follower(found, store, device.type, lambda: None)
    group = Ranks(found, store, device)
    before = memory()

    class Reporting:
        """The generator that says what memory it took before it goes."""

        def __init__(self, own: TokenGenerator) -> None:
            self._own = own

        def __getattr__(self, name: str) -> Any:
            return getattr(self._own, name)

        def close(self) -> None:
            report_memory(before, found, config)
            self._own.close()

    follower.follow(lambda backend, checkpoint: Reporting(open_generator(backend, checkpoint, group=group)))  # type: ignore[arg-type,return-value]
    group.close()


if __name__ == "__main__":
    main()
