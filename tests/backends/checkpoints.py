"""Random checkpoints of any geometry, in each published layout of the same weights."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file

from gptoss.backends.config import ModelConfig
from gptoss.backends.layouts import HUGGINGFACE, dense_tensors, expert_tensors
from gptoss.backends.mxfp4 import GROUP, Mxfp4Matrix


class Geometry(NamedTuple):
    layers: int = 2
    hidden: int = 64
    inner: int = 96
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 16
    experts: int = 4
    per_token: int = 2
    vocabulary: int = 211
    window: int = 128
    initial_context: int = 128
    factor: float = 4.0

    def original_config(self) -> dict[str, Any]:
        return {
            "num_hidden_layers": self.layers,
            "num_experts": self.experts,
            "experts_per_token": self.per_token,
            "vocab_size": self.vocabulary,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "swiglu_limit": 7.0,
            "head_dim": self.head_dim,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "sliding_window": self.window,
            "initial_context_length": self.initial_context,
            "rope_theta": 150000,
            "rope_scaling_factor": self.factor,
            "rope_ntk_alpha": 1,
            "rope_ntk_beta": 32,
        }

    def huggingface_config(self, quantised: bool) -> dict[str, Any]:
        config = {
            "architectures": ["GptOssForCausalLM"],
            "model_type": "gpt_oss",
            "dtype": "bfloat16",
            "attention_bias": True,
            "eos_token_id": 2,
            "pad_token_id": 0,
            "num_local_experts": self.experts,
            "num_experts_per_tok": self.per_token,
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "intermediate_size": self.inner,
            "head_dim": self.head_dim,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "vocab_size": self.vocabulary,
            "sliding_window": self.window,
            "swiglu_limit": 7.0,
            "rms_norm_eps": 1e-5,
            "rope_theta": 150000,
            "max_position_embeddings": int(self.initial_context * self.factor),
            "rope_scaling": {
                "rope_type": "yarn",
                "factor": self.factor,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "original_max_position_embeddings": self.initial_context,
                "truncate": False,
            },
            "layer_types": ["sliding_attention", "full_attention"] * (self.layers // 2)
            + ["sliding_attention"] * (self.layers % 2),
            "hidden_act": "silu",
            "tie_word_embeddings": False,
        }
        if quantised:
            config["quantization_config"] = {"quant_method": "mxfp4"}
        return config

    def config(self) -> ModelConfig:
        return ModelConfig.parse(self.original_config(), Path("config.json"))


class Weights(NamedTuple):
    """Random bf16 weights under the names of `gptoss.backends.layouts`; the experts' packed too."""

    geometry: Geometry
    dense: dict[str, torch.Tensor]
    blocks: dict[str, torch.Tensor]
    scales: dict[str, torch.Tensor]

    def expert(self, name: str) -> torch.Tensor:
        """The bf16 weights [experts, out, in] that the packed ones stand for."""
        return Mxfp4Matrix(self.blocks[name], self.scales[name]).dequantise()


def random_weights(geometry: Geometry, seed: int = 0) -> Weights:
    """Weights large enough for attention, routing and the clamp to matter."""
    config = geometry.config()
    random = torch.Generator().manual_seed(seed)
    dense = {}
    for name, shape in dense_tensors(config):
        if name.endswith("scale"):
            values = 1 + 0.2 * torch.randn(shape, generator=random)
        elif len(shape) == 1 or "_bias" in name:
            values = 0.5 * torch.randn(shape, generator=random)
        else:
            values = torch.randn(shape, generator=random) * 1.5 * shape[-1] ** -0.5
        dense[name] = values.to(torch.bfloat16)
    dense["embedding.weight"] *= config.hidden_size**0.5
    blocks, scales = {}, {}
    for name, (experts, rows, columns) in expert_tensors(config):
        packed = (experts, rows, columns // GROUP)
        blocks[name] = torch.randint(0, 256, (*packed, GROUP // 2), dtype=torch.uint8, generator=random)
        scales[name] = torch.randint(121, 126, packed, dtype=torch.uint8, generator=random)
    return Weights(geometry, dense, blocks, scales)


def save_original(weights: Weights, folder: Path) -> Path:
    """OpenAI's layout: one file, experts in MXFP4."""
    tensors = dict(weights.dense)
    for name in weights.blocks:
        tensors[f"{name}.blocks"], tensors[f"{name}.scales"] = weights.blocks[name], weights.scales[name]
    return _save(folder, weights.geometry.original_config(), {"model.safetensors": tensors})


def save_huggingface(weights: Weights, folder: Path, *, packed: bool, shards: int = 1) -> Path:
    """The Hugging Face layout: experts in MXFP4 or in bf16, in one file or several with an index."""
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in weights.dense.items():
        parts = HUGGINGFACE.parts(name)
        heads, kv_heads, head_dim = weights.geometry.heads, weights.geometry.kv_heads, weights.geometry.head_dim
        rows = [len(tensor)] if len(parts) == 1 else [heads * head_dim, kv_heads * head_dim, kv_heads * head_dim]
        tensors |= {part: piece.clone() for part, piece in zip(parts, tensor.split(rows), strict=True)}
    for name in weights.blocks:
        (stored,) = HUGGINGFACE.parts(name)
        if packed:
            tensors[f"{stored}_blocks"], tensors[f"{stored}_scales"] = weights.blocks[name], weights.scales[name]
        else:
            tensors[stored] = weights.expert(name).transpose(1, 2).contiguous()
    names = sorted(tensors)
    files = {
        f"model-{n + 1:05}-of-{shards:05}.safetensors": {name: tensors[name] for name in names[n::shards]}
        for n in range(shards)
    }
    if shards == 1:
        files = {"model.safetensors": tensors}
    folder = _save(folder, weights.geometry.huggingface_config(packed), files)
    if shards > 1:
        places = {name: file for file, held in files.items() for name in held}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    return folder


def _save(folder: Path, config: dict[str, Any], files: dict[str, dict[str, torch.Tensor]]) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    for file, tensors in files.items():
        save_file(tensors, folder / file, metadata={"format": "pt"})
    return folder
