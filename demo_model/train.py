"""Trains the model on a dataset and writes the file that gptoss ships. Needs torch, numpy and safetensors alone.

python -m demo_model.train --data conversations.npz --out FOLDER --seconds 220
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from demo_model.data import Examples
from demo_model.loss import UnseenTokens, sampled_softmax
from demo_model.model import Batch, Experts, Geometry, Model, swiglu
from demo_model.ship import restore, ship, tokens_with_rows


@dataclass(frozen=True)
class Recipe:
    """How to train; `seconds` ends it early, with the learning rate at its end all the same."""

    seconds: float
    steps: int
    tokens: int = 32_768
    draws: int = 4096
    rate: float = 3e-3
    warmup: float = 0.02
    decay: float = 0.1
    balance: float = 0.01
    quantise_from: float = 0.4
    seen_at_least: int = 400
    longest: int = 8192
    long_from: float = 0.45
    """Before this part of the training, conversations of more than 2,048 tokens wait: short rows are faster."""
    until: float = 1.0
    """End at this part of the training: another leg is to go on from there."""
    report_every: int = 100
    seed: int = 1


def to_device(batch: Batch, device: torch.device) -> Batch:
    return Batch(**{name: value.to(device, non_blocking=True) for name, value in vars(batch).items()})


def arithmetic(device: torch.device) -> torch.dtype:
    """bf16, which the shipped model computes in; processors without fast bf16 take float32 to try the recipe out."""
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Linear warm-up, then a cosine to nothing."""
    if progress < recipe.warmup:
        return recipe.rate * progress / recipe.warmup
    return recipe.rate * 0.5 * (1 + math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup)))


def optimiser(model: Model, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW that decays the matrices of the layers alone."""
    named = list(model.named_parameters())
    matrices = [p for name, p in named if name.endswith(("_proj.weight", "gate_up", "down"))]
    chosen = {id(p) for p in matrices}
    groups = [
        {"params": matrices, "weight_decay": recipe.decay},
        {"params": [p for _, p in named if id(p) not in chosen], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-10, fused=matrices[0].is_cuda)


def compile_activation(tokens: int, geometry: Geometry) -> None:
    """Fuse the experts' activation, which is most of a step's memory traffic; without a compiler leave it as it is."""
    fused = torch.compile(swiglu, dynamic=False)
    width = geometry.num_local_experts * geometry.intermediate_size
    try:
        gate, linear = (
            torch.randn(tokens, width, device="cuda", dtype=torch.bfloat16, requires_grad=True) for _ in "ab"
        )
        bias = [torch.zeros(width, device="cuda", dtype=torch.bfloat16, requires_grad=True) for _ in "ab"]
        weights = torch.rand(
            tokens, geometry.num_local_experts, device="cuda", dtype=torch.bfloat16, requires_grad=True
        )
        result = fused(gate, linear, *bias, weights, geometry.swiglu_limit)
        result.sum().backward()
        torch.testing.assert_close(
            result, swiglu(gate, linear, *bias, weights, geometry.swiglu_limit), rtol=0.05, atol=0.05
        )
    except Exception as error:  # noqa: BLE001 - whatever a compiler raises, the recipe goes on
        print(f"not compiled: {type(error).__name__}: {error}"[:300], flush=True)
    else:
        Experts.activation = staticmethod(fused)


def train(
    examples: Examples, geometry: Geometry, recipe: Recipe, device: torch.device, begin_from: Path | None = None
) -> Model:
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    rows = examples.seen(recipe.seen_at_least)
    if begin_from:
        rows = np.union1d(rows, tokens_with_rows(begin_from))
    rows = np.setdiff1d(rows, examples.copied)
    seen = torch.from_numpy(rows)
    shape = torch.from_numpy(examples.shape)
    model = Model(geometry, shape, torch.from_numpy(examples.spelling), seen).to(device)
    if begin_from:
        restore(model, begin_from)
    generator = torch.Generator(device).manual_seed(recipe.seed)
    kept = torch.from_numpy(np.union1d(examples.reserved, examples.spelt))
    unseen = UnseenTokens(shape, seen, kept, generator)
    adam = optimiser(model, recipe)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(seen):,} tokens with a row", flush=True)
    started = time.monotonic()
    step, seen_tokens, epoch, progress = 0, 0, 0, 0.0
    losses: list[Tensor] = []
    while progress < recipe.until:
        longest = recipe.longest if progress >= recipe.long_from else min(2048, recipe.longest)
        for packed in examples.batches(rng, recipe.tokens, held_out=False, longest=longest):
            progress = max(step / recipe.steps, (time.monotonic() - started) / recipe.seconds)
            if progress >= recipe.until or (longest < recipe.longest and progress >= recipe.long_from):
                break
            batch = to_device(packed.batch, device)
            tokens = unseen.swap()[batch.tokens.long()]
            hidden, balance = model(batch, tokens, dtype=arithmetic(device), quantised=progress >= recipe.quantise_from)
            sampled = batch.sampled[:, 1:]
            loss = sampled_softmax(
                hidden[:, :-1][sampled], tokens[:, 1:][sampled], tokens, model.embeddings, unseen, recipe.draws
            )
            (loss + recipe.balance * balance).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            for group in adam.param_groups:
                group["lr"] = learning_rate(recipe, progress)
            adam.step()
            adam.zero_grad(set_to_none=True)
            losses.append(loss.detach())
            step += 1
            seen_tokens += packed.batch.tokens.numel()
            if step % recipe.report_every == 0 or step in (1, 10):
                took = time.monotonic() - started
                mean = torch.stack(losses).mean().item()
                losses.clear()
                print(
                    f"step {step} epoch {epoch} loss {mean:.4f} balance {balance.item():.2f} "
                    f"{took:.0f} s {seen_tokens / took / 1e3:.0f}k tokens/s",
                    flush=True,
                )
        epoch += 1
    return model


@torch.no_grad()
def check(
    model: Model, examples: Examples, recipe: Recipe, device: torch.device
) -> tuple[dict[str, dict[str, float]], np.ndarray]:
    """How many held-out turns the model would answer token by token as written, at temperature 0, and how probable that
    is at temperature 1. The right tokens are given as the prefix, which is the same as long as all of them are right.

    Also gives the mistakes, int64 [mistakes, 3]: segment, right token, chosen token.
    """
    unembedding = model.embeddings.unembedding(
        torch.arange(model.geometry.vocab_size, device=device), arithmetic(device)
    )
    turns = len(examples.skill)
    wrong, surprise = np.zeros(turns, int), np.zeros(turns)
    mistakes: list[np.ndarray] = []
    tokens = wrong_tokens = 0
    for packed in examples.batches(np.random.default_rng(0), recipe.tokens, held_out=True, longest=recipe.longest):
        batch = to_device(packed.batch, device)
        hidden, _ = model(batch, batch.tokens.long(), dtype=arithmetic(device), quantised=True)
        sampled = batch.sampled[:, 1:]
        hidden, targets = hidden[:, :-1][sampled], batch.tokens[:, 1:][sampled].long()
        segments = packed.segment[:, 1:][sampled.cpu()].numpy()
        for at in range(0, len(hidden), 2048):
            logits = (hidden[at : at + 2048] @ unembedding.T).float()
            target = targets[at : at + 2048]
            chosen = logits.argmax(-1)
            bad = (chosen != target).cpu().numpy()
            triples = (segments[at : at + 2048], target.cpu().numpy(), chosen.cpu().numpy())
            mistakes.append(np.stack(triples, -1)[bad])
            lost = -logits.log_softmax(-1).gather(-1, target[:, None]).flatten().cpu().numpy()
            np.add.at(wrong, segments[at : at + 2048], bad)
            np.add.at(surprise, segments[at : at + 2048], lost)
            tokens += len(bad)
            wrong_tokens += int(bad.sum())
    held_out = np.zeros(turns, bool)
    first = np.searchsorted(examples.start, examples.start[:-1][examples.held_out].min())
    held_out[examples.segment[examples.start[first]] :] = True
    report: dict[str, dict[str, float]] = {"all tokens": {"count": tokens, "right": 1 - wrong_tokens / tokens}}
    groups = {name: examples.skill == index for index, name in enumerate(examples.skills)}
    groups |= {"all turns": examples.skill != 255, "all that recall": examples.recalls}
    for name, members in groups.items():
        these = members & held_out & (examples.skill != 255)
        if these.any():
            report[name] = {
                "count": int(these.sum()),
                "right": float((wrong[these] == 0).mean()),
                "probable": float(np.exp(-surprise[these]).mean()),
            }
    return report, np.concatenate(mistakes)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--begin-from", type=Path, help="a shipped file to go on from")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so many seconds")
    parser.add_argument("--until", type=float, default=1.0, help="end at this part of the seconds; a next leg goes on")
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--tokens", type=int, default=32_768, help="tokens of a step, padding included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--seen-at-least", type=int, default=400, help="times that a token with a row of its own occurs"
    )
    parser.add_argument("--longest", type=int, default=8192, help="leave longer conversations out")
    parser.add_argument("--draws", type=int, default=4096, help="rare tokens that a step's softmax samples")
    parser.add_argument("--report-every", type=int, default=100, help="steps")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument(
        "--quantise-from", type=float, default=0.4, help="part of the training after which MXFP4 counts"
    )
    options = parser.parse_args(arguments)
    recipe = Recipe(
        seconds=options.seconds,
        steps=options.steps,
        until=options.until,
        tokens=options.tokens,
        seed=options.seed,
        seen_at_least=options.seen_at_least,
        longest=options.longest,
        report_every=options.report_every,
        draws=options.draws,
        rate=options.rate,
        quantise_from=options.quantise_from,
    )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    started = time.monotonic()
    examples = Examples.load(options.data)
    print(f"{len(examples.tokens):,} tokens loaded in {time.monotonic() - started:.1f} s", flush=True)
    if device.type == "cuda":
        compile_activation(recipe.tokens, Geometry())
        print(f"ready in {time.monotonic() - started:.1f} s", flush=True)
    model = train(examples, Geometry(), recipe, device, options.begin_from)
    options.out.mkdir(parents=True, exist_ok=True)
    size = ship(model, options.out / "demo.safetensors")
    print(f"shipped {size / 1e6:.2f} MB", flush=True)
    report, mistakes = check(model, examples, recipe, device)
    np.save(options.out / "mistakes.npy", mistakes)
    (options.out / "check.json").write_text(json.dumps(report, indent=1))
    for name, figures in report.items():
        print(name, {key: round(value, 4) for key, value in figures.items()})


if __name__ == "__main__":
    main()
