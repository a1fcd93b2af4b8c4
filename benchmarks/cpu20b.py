"""gpt-oss-20b on a CPU, side by side with llama.cpp: random weights in the 20b geometry, MXFP4 experts, batch 1.

    python -m benchmarks.cpu20b make FOLDER        # the checkpoint, 13.8 GB
    python -m benchmarks.cpu20b gguf FOLDER        # as much again for llama.cpp; needs the package gguf
    python -m benchmarks.cpu20b run FOLDER [--llama-bench PATH] [--threads N] [--rounds N]

llama-bench is built from the sources in PyPI's llama-cpp-python, for the machine at hand (`cmake -B build`, then
`cmake --build build --target llama-bench`). Every measurement has a process of its own, one at a time, and the engines
take turns. Both are warm before they are timed, but for the start: from nothing to the first token after a prompt of
128, with the file in the page cache where that has room for both (27.5 GB). Printed are medians with their spread, the
ratio, the largest process, and the share of the memory bandwidth of the same run: a decoded token reads 3.71 GB of
weights. `--layers 4`, given to all three, makes do with 4.3 GB a file. `--int8`, given to the last two, adds both
engines with dense weights in 8 bits: ours with `GPTOSS_DENSE=int8`, llama.cpp's with a file of its own in Q8_0.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

GEOMETRY: dict[str, Any] = {
    "num_hidden_layers": 24,
    "num_experts": 32,
    "experts_per_token": 4,
    "vocab_size": 201_088,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "swiglu_limit": 7.0,
    "head_dim": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "sliding_window": 128,
    "initial_context_length": 4096,
    "rope_theta": 150_000,
    "rope_scaling_factor": 32.0,
    "rope_ntk_alpha": 1,
    "rope_ntk_beta": 32,
}
DEPTHS = (128, 1024)
PREFILL = 512
DECODED = 16
LLAMA = {False: "model.gguf", True: "model-q8_0.gguf"}
"""llama.cpp's file, and that with dense weights in 8 bits."""
_POOL = 1 << 24


class Values:
    """Random values, from a pool that is read at another place for each tensor: making all anew would take minutes."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(0)
        normal = self.random.standard_normal(_POOL, dtype=np.float32)
        self.normal = normal
        self.bytes = self.random.integers(0, 256, _POOL, dtype=np.uint8)
        self.scales = self.random.integers(119, 122, _POOL, dtype=np.uint8)

    def draw(self, pool: np.ndarray, count: int) -> Iterator[np.ndarray]:
        """So many values in parts."""
        while count:
            start = int(self.random.integers(0, _POOL // 2))
            part = pool[start : start + min(count, _POOL - start)]
            count -= len(part)
            yield part

    def write(self, file: IO[bytes], name: str, shape: tuple[int, ...]) -> None:
        count = int(np.prod(shape))
        if name.endswith("blocks"):
            parts = self.draw(self.bytes, count)
        elif name.endswith("scales"):
            parts = self.draw(self.scales, count)
        else:
            wide = len(shape) == 1 or "bias" in name
            spread = 0.02 if wide else 1.0 if name.startswith("embedding") else shape[-1] ** -0.5
            shift = 1.0 if name.endswith("scale") else 0.0
            parts = (_bfloat16(part * np.float32(spread) + np.float32(shift)) for part in self.draw(self.normal, count))
        for part in parts:
            part.tofile(file)


def _bfloat16(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


def make(folder: Path) -> None:
    from gptoss.backends.config import ModelConfig
    from gptoss.backends.layouts import dense_tensors, expert_tensors

    config = ModelConfig.parse(GEOMETRY, folder / "config.json")
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {name: ("BF16", shape) for name, shape in dense_tensors(config)}
    for name, (experts, rows, columns) in expert_tensors(config):
        tensors[f"{name}.blocks"] = ("U8", (experts, rows, columns // 32, 16))
        tensors[f"{name}.scales"] = ("U8", (experts, rows, columns // 32))
    header, offset = {}, 0
    for name, (kind, shape) in tensors.items():
        size = int(np.prod(shape)) * (2 if kind == "BF16" else 1)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": (offset, offset + size)}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(GEOMETRY))
    values = Values()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.flush()
        for name, (_, shape) in tensors.items():
            values.write(file, name, shape)


def make_gguf(folder: Path, narrow: bool) -> None:
    """Other random weights of the same geometry, as llama.cpp reads them; `narrow`: attention and unembedding in Q8_0.

    The vocabulary is a made-up one.
    """
    import gguf

    layers, hidden, experts = GEOMETRY["num_hidden_layers"], GEOMETRY["hidden_size"], GEOMETRY["num_experts"]
    inner, vocabulary, head_dim = GEOMETRY["intermediate_size"], GEOMETRY["vocab_size"], GEOMETRY["head_dim"]
    heads, kv_heads = GEOMETRY["num_attention_heads"], GEOMETRY["num_key_value_heads"]
    writer = gguf.GGUFWriter(folder / LLAMA[narrow], "gpt-oss")
    writer.add_context_length(131_072)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_expert_feed_forward_length(inner)
    writer.add_expert_count(experts)
    writer.add_expert_used_count(GEOMETRY["experts_per_token"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_sliding_window(GEOMETRY["sliding_window"])
    writer.add_rope_freq_base(GEOMETRY["rope_theta"])
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(GEOMETRY["rope_scaling_factor"])
    writer.add_rope_scaling_orig_ctx_len(GEOMETRY["initial_context_length"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-4o")
    writer.add_token_list([f"t{n}" for n in range(vocabulary)])
    writer.add_token_merges(["t 1"])
    writer.add_eos_token_id(vocabulary - 1)

    values, types = Values(), gguf.GGMLQuantizationType
    bf16, f32, mxfp4, read_whole = types.BF16, types.F32, types.MXFP4, types.Q8_0 if narrow else types.BF16
    group = {mxfp4: 17, types.Q8_0: 34}  # bytes of 32 weights
    tensors: list[tuple[str, tuple[int, ...], Any]] = [
        ("token_embd.weight", (vocabulary, hidden), bf16),
        ("output.weight", (vocabulary, hidden), read_whole),
        ("output_norm.weight", (hidden,), f32),
    ]
    for n in range(layers):
        for name, out, columns in [
            ("attn_q", heads * head_dim, hidden),
            ("attn_k", kv_heads * head_dim, hidden),
            ("attn_v", kv_heads * head_dim, hidden),
            ("attn_output", hidden, heads * head_dim),
        ]:
            tensors += [(f"blk.{n}.{name}.weight", (out, columns), read_whole), (f"blk.{n}.{name}.bias", (out,), f32)]
        tensors += [(f"blk.{n}.{name}.weight", (hidden,), f32) for name in ("attn_norm", "post_attention_norm")]
        tensors += [(f"blk.{n}.attn_sinks.weight", (heads,), f32)]
        tensors += [
            (f"blk.{n}.ffn_gate_inp.weight", (experts, hidden), f32),
            (f"blk.{n}.ffn_gate_inp.bias", (experts,), f32),
        ]
        for name, out, columns in [("gate", inner, hidden), ("up", inner, hidden), ("down", hidden, inner)]:
            tensors += [
                (f"blk.{n}.ffn_{name}_exps.weight", (experts, out, columns), mxfp4),
                (f"blk.{n}.ffn_{name}_exps.bias", (experts, out), f32),
            ]

    def packed(shape: tuple[int, ...], size: int) -> np.ndarray:
        """Groups of a scale and 16 or 32 bytes: an exponent, or a float16."""
        groups = np.empty((int(np.prod(shape)) // 32, size), np.uint8)
        if size == group[mxfp4]:
            groups[:, 0] = np.concatenate(list(values.draw(values.scales, len(groups))))
        else:
            groups[:, :2] = np.array([shape[-1] ** -0.5 / 64], np.float16).view(np.uint8)
        random = size // 16 * 16
        groups[:, -random:] = np.concatenate(list(values.draw(values.bytes, random * len(groups)))).reshape(-1, random)
        return groups.reshape(*shape[:-1], -1)

    def dense(name: str, shape: tuple[int, ...]) -> np.ndarray:
        spread = 0.02 if len(shape) == 1 else 1.0 if name.startswith("token") else shape[-1] ** -0.5
        return (np.concatenate(list(values.draw(values.normal, int(np.prod(shape))))) * np.float32(spread)).reshape(
            shape
        )

    for name, shape, kind in tensors:
        stored = (*shape[:-1], shape[-1] // 32 * group[kind]) if kind in group else shape
        dtype = np.dtype({bf16: np.uint16, f32: np.float32}.get(kind, np.uint8))
        writer.add_tensor_info(name, stored, dtype, int(np.prod(stored)) * dtype.itemsize, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for name, shape, kind in tensors:  # one at a time
        tensor = packed(shape, group[kind]) if kind in group else dense(name, shape)
        writer.write_tensor_data(_bfloat16(tensor) if kind == bf16 else tensor)
    writer.close()


def gptoss(folder: Path, threads: int, depth: int, tokens: int, warm: bool) -> dict[str, float]:
    """The worker: a prompt of `depth` tokens, then `tokens` more; tokens per second. `warm` computes others before."""
    from gptoss.backends.opening import open_generator
    from gptoss.engine.settings import Sampling

    generator = open_generator("torch", folder)

    import torch  # not before: the backend says how threads wait

    torch.set_num_threads(threads)

    def answer(prompt: list[int], tokens: int) -> list[float]:
        """When each token came."""
        chunks = generator.generate(prompt, Sampling(temperature=0.0, max_tokens=tokens), frozenset(), lambda: False)
        return [time.perf_counter() for chunk in chunks if chunk.ids]

    if warm:
        answer([(5 * n * n + 8) % 200_000 for n in range(128)], 2)
    begun = time.perf_counter()
    times = answer([(7 * n * n + 3) % 200_000 for n in range(depth)], tokens + 1)
    return {
        "prefill": depth / (times[0] - begun),
        "decode": tokens / (times[-1] - times[0]) if tokens else 0.0,
    }


class Bench:
    """One engine; each method runs a process and gives tokens per second, or seconds. `memory`: GB of the largest."""

    def __init__(self, folder: Path, threads: int, llama_bench: Path | None = None, narrow: bool = False) -> None:
        self.folder, self.threads, self.llama_bench, self.narrow = folder, threads, llama_bench, narrow
        self.memory = 0.0

    def decode(self, depth: int) -> float:
        if self.llama_bench:
            return self._llama("-p", "0", "-n", str(DECODED), "-d", str(depth))
        return self._gptoss(depth, DECODED)["decode"]

    def prefill(self) -> float:
        return self._llama("-p", str(PREFILL), "-n", "0") if self.llama_bench else self._gptoss(PREFILL, 0)["prefill"]

    def start(self) -> float:
        begun = time.perf_counter()
        if self.llama_bench:
            self._llama("-p", str(DEPTHS[0]), "-n", "0", "--no-warmup")
        else:
            self._gptoss(DEPTHS[0], 0, "--cold")
        return time.perf_counter() - begun

    def _gptoss(self, depth: int, tokens: int, *options: str) -> dict[str, float]:
        command = [
            sys.executable,
            "-m",
            "benchmarks.cpu20b",
            "worker",
            str(self.folder),
            "--threads",
            str(self.threads),
        ]
        result: dict[str, float] = json.loads(
            self._output([*command, "--depth", str(depth), "--tokens", str(tokens), *options])
        )
        return result

    def _llama(self, *options: str) -> float:
        command = [
            str(self.llama_bench),
            "-m",
            str(self.folder / LLAMA[self.narrow]),
            "-t",
            str(self.threads),
            "-ngl",
            "0",
        ]
        (result,) = json.loads(self._output([*command, "-r", "1", "-o", "json", *options]))
        return float(result["avg_ts"])

    def _output(self, command: list[str]) -> str:
        environment = os.environ | {"GPTOSS_DENSE": "int8" if self.narrow else "stored"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command[0]} failed; its messages are above")
        self.memory = max(self.memory, usage.ru_maxrss / 1e6)
        return output


def bandwidth(threads: int) -> float:
    """GB/s of reading 2 GB, the best of five times."""
    import torch

    torch.set_num_threads(threads)
    values = torch.ones(1 << 28, dtype=torch.int64)
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        values.sum()
        best = min(best, time.perf_counter() - begun)
    return values.nbytes / best / 1e9


def bytes_a_token(config: dict[str, Any]) -> float:
    """The weights that one decoded token needs: a row of the embedding is next to nothing."""
    hidden, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    attention = 2 * hidden * config["head_dim"] * (2 * heads + 2 * kv_heads)
    experts = config["experts_per_token"] * 3 * hidden * inner * 17 / 32
    return float(2 * hidden * config["vocab_size"] + layers * (attention + experts))


def compare(folder: Path, threads: int, rounds: int, llama_bench: Path | None, narrow: bool) -> None:
    benches = {}
    for suffix, bits in (("", False), (" in 8 bits", True))[: 1 + narrow]:
        benches[f"gptoss{suffix}"] = Bench(folder, threads, narrow=bits)
        if llama_bench:
            benches[f"llama.cpp{suffix}"] = Bench(folder, threads, llama_bench, bits)
    speeds: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for name, bench in benches.items():
            for depth in DEPTHS:
                speeds.setdefault(f"decode at {depth}", {}).setdefault(name, []).append(bench.decode(depth))
            speeds.setdefault(f"prefill of {PREFILL}", {}).setdefault(name, []).append(bench.prefill())
            speeds.setdefault("start", {}).setdefault(name, []).append(bench.start())
    most = bandwidth(threads)
    needed = bytes_a_token(json.loads((folder / "config.json").read_text()))
    print(f"{rounds} rounds, {threads} threads, reading {most:.1f} GB/s")
    print("largest process: " + "  ".join(f"{name} {bench.memory:.1f} GB" for name, bench in benches.items()))
    for work, measured in speeds.items():
        unit = "s" if work == "start" else "tokens/s"
        medians = {name: statistics.median(values) for name, values in measured.items()}
        line = "  ".join(
            f"{name} {medians[name]:.2f} {unit} ({min(values):.2f} to {max(values):.2f})"
            for name, values in measured.items()
        )
        if llama_bench:
            line += f"  ratio {medians['gptoss'] / medians['llama.cpp']:.2f}"
            if narrow:
                line += f", in 8 bits {medians['gptoss in 8 bits'] / medians['llama.cpp in 8 bits']:.2f}"
        if work.startswith("decode"):
            line += f"  ours reads {medians['gptoss'] * needed / 1e9:.1f} GB/s"
        print(f"{work}: {line}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=["make", "gguf", "run", "worker"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--llama-bench", type=Path, metavar="PATH")
    parser.add_argument("--layers", type=int, default=GEOMETRY["num_hidden_layers"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--depth", type=int, default=128, help=argparse.SUPPRESS)
    parser.add_argument("--tokens", type=int, default=DECODED, help=argparse.SUPPRESS)
    parser.add_argument("--cold", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    GEOMETRY["num_hidden_layers"] = args.layers
    if args.work == "make":
        make(args.folder)
    elif args.work == "gguf":
        make_gguf(args.folder, args.int8)
    elif args.work == "worker":
        print(json.dumps(gptoss(args.folder, args.threads, args.depth, args.tokens, not args.cold)))
    else:
        compare(args.folder, args.threads, args.rounds, args.llama_bench, args.int8)


if __name__ == "__main__":
    main()
