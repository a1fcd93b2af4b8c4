"""Random weights in a published geometry, made on the card itself: what decoding costs does not depend on values."""

from pathlib import Path
from typing import Any

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.parallel.plan import plan
from gptoss.backends.triton.packing import SPAN, padded, sum_factor
from gptoss.backends.triton.weights import Layer, Packed, Weights, normed_factor, rope_table

GEOMETRY_20B: dict[str, Any] = {
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
GEOMETRY_120B = GEOMETRY_20B | {"num_hidden_layers": 36, "num_experts": 128}


def geometry(name: str, **changes: Any) -> ModelConfig:
    """ "20b" or "120b"."""
    return ModelConfig.parse({"20b": GEOMETRY_20B, "120b": GEOMETRY_120B}[name] | changes, Path(name))


def random_weights(config: ModelConfig, device: torch.device, seed: int = 0, group: Group = ALONE) -> Weights:
    """A model, or a part of it for one of the ranks: parts of their own, which is all that speed depends on."""
    part = plan(config, group.rank, group.size)
    config = part.config
    random = torch.Generator(device).manual_seed(seed)

    def normal(*shape: int, spread: float, shift: float = 0.0) -> torch.Tensor:
        return torch.empty(shape, dtype=torch.bfloat16, device=device).normal_(shift, spread, generator=random)

    def integers(*shape: int, low: int, high: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype, device=device).random_(low, high, generator=random)

    def packed(rows: int, columns: int) -> Packed:
        words = integers(config.num_experts, rows, columns // 8, low=-(2**31), high=2**31 - 1, dtype=torch.int32)
        exponents = integers(
            config.num_experts, rows, padded(columns // 32), low=SPAN - 2, high=SPAN + 1, dtype=torch.uint8
        )
        return Packed(words, exponents, normal(config.num_experts, rows, spread=0.02), sum_factor(121))

    hidden, inner, heads = config.hidden_size, config.intermediate_size, config.num_attention_heads
    wide = heads * config.head_dim
    rows = wide + 2 * config.num_key_value_heads * config.head_dim

    def layer(n: int) -> Layer:
        return Layer(
            window=config.windows[n] or 0,
            attention_norm=normal(hidden, spread=0.02, shift=1.0).float(),
            qkv=normal(rows, hidden, spread=hidden**-0.5),
            qkv_bias=normal(rows, spread=0.02),
            sinks=normal(heads, spread=1.0).float(),
            out=normal(hidden, wide, spread=wide**-0.5),
            out_bias=normal(hidden, spread=0.02),
            experts_norm=normal(hidden, spread=0.02, shift=1.0).float(),
            router=normal(config.num_experts, hidden, spread=hidden**-0.5),
            router_bias=normal(config.num_experts, spread=0.02),
            up=packed(2 * inner, hidden),
            down=packed(hidden, inner),
            input_factor=normed_factor(torch.ones(hidden)),
        )

    return Weights(
        plan=part,
        embedding=normal(config.vocab_size, hidden, spread=1.0),
        layers=[layer(n) for n in range(config.num_hidden_layers)],
        norm=normal(hidden, spread=0.02, shift=1.0).float(),
        unembedding=normal(config.vocab_size, hidden, spread=hidden**-0.5),
        rope=rope_table(config, device),
    )
