"""The weights on the card: bf16 matrices, and experts in MXFP4 that are never anything larger.

Loading goes through the file one tensor at a time, straight to the card, where `packing` puts the bits in order.
"""

import math
from typing import NamedTuple

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.parallel.plan import Plan
from gptoss.backends.parallel.shard import Shard
from gptoss.backends.torch.rope import frequencies
from gptoss.backends.triton.packing import LARGEST_EXPONENT, pack, relative, sum_factor
from gptoss.engine.errors import CheckpointError


class Packed(NamedTuple):
    """Expert matrices: words int32 [experts, rows, columns / 8] and exponents uint8 [experts, rows, `padded`
    columns / 32] of `packing`, bias bf16 [experts, rows]; factor is what sums are to be multiplied by."""

    words: torch.Tensor
    exponents: torch.Tensor
    bias: torch.Tensor
    factor: float


class Layer(NamedTuple):
    """Norms and sinks are float32, matrices and biases bf16 as stored. `window` is 0 for a layer that sees all."""

    window: int
    attention_norm: torch.Tensor
    qkv: torch.Tensor
    qkv_bias: torch.Tensor
    sinks: torch.Tensor
    out: torch.Tensor
    out_bias: torch.Tensor
    experts_norm: torch.Tensor
    router: torch.Tensor
    router_bias: torch.Tensor
    up: Packed
    down: Packed
    input_factor: float
    """What the experts' inputs are multiplied by so that they use float16 well and never exceed it."""


class Weights(NamedTuple):
    """A whole model, or the part of it that `plan` gives a rank. `rope` is float32 [max_context, 2, head_dim / 2]:
    cosines, then sines, of each position."""

    plan: Plan
    embedding: torch.Tensor
    layers: list[Layer]
    norm: torch.Tensor
    unembedding: torch.Tensor
    rope: torch.Tensor

    @property
    def config(self) -> ModelConfig:
        """The geometry of the part."""
        return self.plan.config

    @property
    def vocabulary(self) -> int:
        """How many tokens there are on all ranks together."""
        return self.plan.whole.vocab_size

    @property
    def device(self) -> torch.device:
        return self.embedding.device


def load_weights(checkpoint: Shard, device: torch.device) -> Weights:
    """Read a checkpoint, or a rank's part of one, whose experts are in MXFP4; CheckpointError if they are not."""
    if not checkpoint.packed:
        raise CheckpointError(
            f"{checkpoint.path} has experts that are not in MXFP4, which is all that the triton backend computes: "
            "use the published checkpoint, or --backend torch"
        )
    config = checkpoint.config

    def tensor(name: str, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
        return checkpoint.tensor(name).to(device, dtype).contiguous()

    def experts(name: str) -> Packed:
        blocks, exponents = (part.to(device) for part in checkpoint.packed_experts(f"{name}_weight"))
        top = int(exponents.max())
        if top > LARGEST_EXPONENT:
            raise CheckpointError(
                f"{checkpoint.path} has a scale in {name} that no sensible weight needs: is it damaged?"
            )
        return Packed(pack(blocks), relative(exponents, top), tensor(f"{name}_bias"), sum_factor(top))

    def layer(n: int) -> Layer:
        attention, mlp = f"block.{n}.attn", f"block.{n}.mlp"
        experts_norm = tensor(f"{mlp}.norm.scale", torch.float32)
        return Layer(
            window=config.windows[n] or 0,
            attention_norm=tensor(f"{attention}.norm.scale", torch.float32),
            qkv=tensor(f"{attention}.qkv.weight"),
            qkv_bias=tensor(f"{attention}.qkv.bias"),
            sinks=tensor(f"{attention}.sinks", torch.float32),
            out=tensor(f"{attention}.out.weight"),
            out_bias=tensor(f"{attention}.out.bias"),
            experts_norm=experts_norm,
            router=tensor(f"{mlp}.gate.weight"),
            router_bias=tensor(f"{mlp}.gate.bias"),
            up=experts(f"{mlp}.mlp1"),
            down=experts(f"{mlp}.mlp2"),
            input_factor=normed_factor(experts_norm),
        )

    return Weights(
        plan=checkpoint.plan,
        embedding=tensor("embedding.weight"),
        layers=[layer(n) for n in range(config.num_hidden_layers)],
        norm=tensor("norm.scale", torch.float32),
        unembedding=tensor("unembedding.weight"),
        rope=rope_table(config, device),
    )


def rope_table(config: ModelConfig, device: torch.device) -> torch.Tensor:
    """float32 [max_context, 2, head_dim / 2]."""
    angles = torch.outer(
        torch.arange(config.max_context, device=device).float(), frequencies(config.rope, config.head_dim).to(device)
    )
    return torch.stack((angles.cos(), angles.sin()), 1).mul_(config.rope.concentration)


def normed_factor(scale: torch.Tensor) -> float:
    """`float16_factor` for what a norm with such a scale [width] gives: before it no element exceeds sqrt(width)."""
    return float16_factor(float(scale.abs().max()) * math.sqrt(len(scale)))


def float16_factor(largest: float) -> float:
    """A power of two that brings numbers up to `largest` below 2**15."""
    return 2.0 ** (14 - math.floor(math.log2(max(largest, 2.0**-80))))
