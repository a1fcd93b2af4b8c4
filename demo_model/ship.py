"""Writes the trained model as the small file that gptoss ships.

It holds the layers as a Hugging Face checkpoint does, and in place of the embedding and unembedding matrices the rows
that were trained:

    rows.embed_tokens, rows.lm_head     bf16 [tokens, hidden]   of the tokens `rows.ids`, int32 [tokens]
    shared.embed_tokens, shared.lm_head f32 [shapes, hidden]    of all others, by `shared.shape`, uint8 [vocabulary]
    code.embed_tokens, code.lm_head     f32 [2], f32 [1]        scales of the codes that are added to the shared rows:
                                                                of a token's own, and of its pieces
    pieces.ids, pieces.spelling         int32 [words], uint8 [words, 2, 3]  the pieces of words, little-endian
"""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from demo_model.model import Geometry, Linear, Model
from demo_model.mxfp4 import pack, unpack
from gptoss.backends.demo.codes import NO_PIECE


def config(geometry: Geometry) -> dict[str, object]:
    """config.json as transformers writes it for gpt-oss."""
    g = geometry
    return {
        "architectures": ["GptOssForCausalLM"],
        "model_type": "gpt_oss",
        "torch_dtype": "bfloat16",
        "vocab_size": g.vocab_size,
        "hidden_size": g.hidden_size,
        "intermediate_size": g.intermediate_size,
        "num_hidden_layers": g.num_hidden_layers,
        "num_attention_heads": g.num_attention_heads,
        "num_key_value_heads": g.num_key_value_heads,
        "head_dim": g.head_dim,
        "num_local_experts": g.num_local_experts,
        "num_experts_per_tok": g.num_experts_per_tok,
        "experts_per_token": g.num_experts_per_tok,
        "layer_types": ["full_attention" if layer % 2 else "sliding_attention" for layer in range(g.num_hidden_layers)],
        "sliding_window": g.sliding_window,
        "max_position_embeddings": int(g.original_max_position_embeddings * g.rope_factor),
        "initial_context_length": g.original_max_position_embeddings,
        "rope_theta": g.rope_theta,
        "rope_scaling": {
            "rope_type": "yarn",
            "factor": g.rope_factor,
            "beta_fast": g.rope_beta_fast,
            "beta_slow": g.rope_beta_slow,
            "original_max_position_embeddings": g.original_max_position_embeddings,
            "truncate": False,
        },
        "rms_norm_eps": g.rms_norm_eps,
        "hidden_act": "silu",
        "swiglu_limit": g.swiglu_limit,
        "attention_bias": True,
        "attention_dropout": 0.0,
        "tie_word_embeddings": False,
        "router_aux_loss_coef": 0.01,
        "output_router_logits": False,
        "use_cache": True,
        "initializer_range": 0.02,
        "eos_token_id": 200002,
        "pad_token_id": 199999,
        "quantization_config": {
            "quant_method": "mxfp4",
            "modules_to_not_convert": [
                "model.layers.*.self_attn",
                "model.layers.*.mlp.router",
                "model.embed_tokens",
                "lm_head",
            ],
        },
    }


def generation_config() -> dict[str, object]:
    """The model knows one right answer, so the most probable token is the one to take."""
    return {
        "bos_token_id": 199998,
        "do_sample": False,
        "eos_token_id": [200002, 199999, 200012],
        "pad_token_id": 199999,
    }


def layers(model: Model) -> dict[str, Tensor]:
    """The tensors of all layers and the last norm, under their Hugging Face names."""
    tensors: dict[str, Tensor] = {}

    def put(name: str, tensor: Tensor) -> None:
        tensors[name] = tensor.detach().to(torch.bfloat16)

    def put_linear(name: str, linear: Linear) -> None:
        put(f"{name}.weight", linear.weight)
        put(f"{name}.bias", linear.bias)

    for index, (attention, experts) in enumerate(zip(model.attention, model.experts, strict=True)):
        layer = f"model.layers.{index}"
        put(f"{layer}.input_layernorm.weight", attention.norm.scale)
        for projection in ("q_proj", "k_proj", "v_proj", "o_proj"):
            put_linear(f"{layer}.self_attn.{projection}", getattr(attention, projection))
        put(f"{layer}.self_attn.sinks", attention.sinks)
        put(f"{layer}.post_attention_layernorm.weight", experts.norm.scale)
        put_linear(f"{layer}.mlp.router", experts.router)
        for name, weights, bias in (
            ("gate_up_proj", experts.gate_up, experts.gate_up_bias),
            ("down_proj", experts.down, experts.down_bias),
        ):
            blocks, scales = pack(weights.detach())
            tensors[f"{layer}.mlp.experts.{name}_blocks"] = blocks
            tensors[f"{layer}.mlp.experts.{name}_scales"] = scales
            put(f"{layer}.mlp.experts.{name}_bias", bias)
    put("model.norm.weight", model.norm.scale)
    return tensors


def ship(model: Model, path: Path) -> int:
    """Write the file; returns its size in bytes."""
    tensors = layers(model)
    embeddings = model.embeddings
    shapes = len(embeddings.input) - len(embeddings.seen)
    spelling = embeddings.spelling.cpu().numpy()
    words = np.flatnonzero(spelling[:, 0] < len(spelling))
    pieces = np.where(spelling[words] < len(spelling), spelling[words], NO_PIECE).astype("<u4")
    tensors["rows.ids"] = embeddings.seen.to(torch.int32)
    tensors["rows.embed_tokens"] = embeddings.embed(embeddings.seen, torch.bfloat16).detach()
    tensors["rows.lm_head"] = embeddings.unembedding(embeddings.seen, torch.bfloat16).detach()
    tensors["shared.shape"] = embeddings.shape.to(torch.uint8)
    tensors["shared.embed_tokens"] = embeddings.input[:shapes].detach().clone()
    tensors["shared.lm_head"] = embeddings.output[:shapes].detach().clone()
    tensors["code.embed_tokens"] = embeddings.input_code.detach()
    tensors["code.lm_head"] = embeddings.output_code.detach()
    tensors["pieces.ids"] = torch.from_numpy(words.astype(np.int32))
    # The highest of an id's four bytes is always zero.
    tensors["pieces.spelling"] = torch.from_numpy(pieces[..., None].view(np.uint8)[..., :3].copy())
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {
        "format": "gptoss-demo-2",
        "config": json.dumps(config(model.geometry)),
        "generation_config": json.dumps(generation_config()),
    }
    save_file(tensors, path, metadata)
    return path.stat().st_size


def tokens_with_rows(path: Path) -> np.ndarray:
    """int64: the ids that have a row of their own in a shipped file."""
    return load_file(path)["rows.ids"].numpy().astype(np.int64)


@torch.no_grad()
def restore(model: Model, path: Path) -> None:
    """Set a model of the same geometry to a shipped file's weights; its tokens with rows of their own may be others."""
    tensors = load_file(path)
    for index, (attention, experts) in enumerate(zip(model.attention, model.experts, strict=True)):
        layer = f"model.layers.{index}"
        attention.norm.scale.copy_(tensors[f"{layer}.input_layernorm.weight"])
        for projection in ("q_proj", "k_proj", "v_proj", "o_proj"):
            linear = getattr(attention, projection)
            linear.weight.copy_(tensors[f"{layer}.self_attn.{projection}.weight"])
            linear.bias.copy_(tensors[f"{layer}.self_attn.{projection}.bias"])
        attention.sinks.copy_(tensors[f"{layer}.self_attn.sinks"])
        experts.norm.scale.copy_(tensors[f"{layer}.post_attention_layernorm.weight"])
        experts.router.weight.copy_(tensors[f"{layer}.mlp.router.weight"])
        experts.router.bias.copy_(tensors[f"{layer}.mlp.router.bias"])
        for name, weights, bias in (
            ("gate_up_proj", experts.gate_up, experts.gate_up_bias),
            ("down_proj", experts.down, experts.down_bias),
        ):
            base = f"{layer}.mlp.experts.{name}"
            weights.copy_(unpack(tensors[f"{base}_blocks"], tensors[f"{base}_scales"]))
            bias.copy_(tensors[f"{base}_bias"])
    model.norm.scale.copy_(tensors["model.norm.weight"])
    embeddings = model.embeddings
    ids = tensors["rows.ids"].long().to(embeddings.row.device)
    for name, rows, scale, coded in (
        ("embed_tokens", embeddings.input, embeddings.input_code, embeddings.coded_input),
        ("lm_head", embeddings.output, embeddings.output_code, embeddings.coded_output),
    ):
        scale.copy_(tensors[f"code.{name}"])
        shared = tensors[f"shared.{name}"].to(rows.device)
        full = shared[embeddings.shape.long()]
        full[ids] = tensors[f"rows.{name}"].to(rows.device).float() - coded(ids)
        rows[: len(shared)] = shared
        rows[len(shared) :] = full[embeddings.seen]
