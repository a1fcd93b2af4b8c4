"""A checkpoint of the 20b geometry, all holes, in the Hugging Face layout: `python -m benchmarks.empty20b FOLDER`.

Its files have the right headers and size and take no room. It is for engines that fill in weights of their own (vLLM
with load_format=dummy): what they need of a checkpoint is its shape.
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.random20b import geometry
from gptoss.backends.layouts import HUGGINGFACE, dense_tensors, expert_tensors

CONFIG: dict[str, Any] = {
    "architectures": ["GptOssForCausalLM"],
    "model_type": "gpt_oss",
    "dtype": "bfloat16",
    "torch_dtype": "bfloat16",
    "attention_bias": True,
    "attention_dropout": 0.0,
    "eos_token_id": 200_002,
    "pad_token_id": 199_999,
    "num_experts_per_tok": 4,
    "experts_per_token": 4,
    "num_local_experts": 32,
    "num_hidden_layers": 24,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "head_dim": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "vocab_size": 201_088,
    "sliding_window": 128,
    "swiglu_limit": 7.0,
    "rms_norm_eps": 1e-5,
    "rope_theta": 150_000,
    "initial_context_length": 4096,
    "max_position_embeddings": 131_072,
    "rope_scaling": {
        "rope_type": "yarn",
        "factor": 32.0,
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "original_max_position_embeddings": 4096,
        "truncate": False,
    },
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "tie_word_embeddings": False,
    "use_cache": True,
    "quantization_config": {
        "quant_method": "mxfp4",
        "modules_to_not_convert": [
            "model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head",
        ],
    },
}  # fmt: skip


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    config, header, offset = geometry("20b"), {}, 0

    def add(name: str, kind: str, shape: tuple[int, ...], width: int) -> None:
        nonlocal offset
        size = width
        for extent in shape:
            size *= extent
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size

    for name, shape in dense_tensors(config):
        parts = HUGGINGFACE.parts(name)
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        rows = [shape[0]] if len(parts) == 1 else [count * config.head_dim for count in (heads, kv_heads, kv_heads)]
        for part, count in zip(parts, rows, strict=True):
            add(part, "BF16", (count, *shape[1:]), 2)
    for name, (experts, rows, columns) in expert_tensors(config):
        (stored,) = HUGGINGFACE.parts(name)
        add(f"{stored}_blocks", "U8", (experts, rows, columns // 32, 16), 1)
        add(f"{stored}_scales", "U8", (experts, rows, columns // 32), 1)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + offset)


if __name__ == "__main__":
    main()
