"""The names and shapes of the tensors in the two published layouts.

The names of OpenAI's own files are the ones used in this project (`block.3.attn.qkv.weight`); the Hugging Face layout
is described by what each of them is called there. In both, rows of `mlp1` alternate between gate and up.
"""

import re
from collections.abc import Callable, Iterator

from msgspec import Struct

from gptoss.backends.config import ModelConfig

Shape = tuple[int, ...]


class Layout(Struct, frozen=True, kw_only=True):
    """`parts` gives the stored names whose rows, one after the other, are a tensor; experts have one such name each,
    with `blocks` and `scales` appended when they are MXFP4. `transposed`: unpacked experts are stored [in, out]."""

    name: str
    parts: Callable[[str], tuple[str, ...]]
    blocks: str
    scales: str
    transposed: bool


def _huggingface(name: str) -> tuple[str, ...]:
    for pattern, replacements in _HUGGINGFACE:
        if re.fullmatch(pattern, name):
            return tuple(re.sub(pattern, replacement, name) for replacement in replacements)
    raise KeyError(name)


_HUGGINGFACE = [
    (r"embedding\.weight", ["model.embed_tokens.weight"]),
    (r"unembedding\.weight", ["lm_head.weight"]),
    (r"norm\.scale", ["model.norm.weight"]),
    (r"block\.(\d+)\.attn\.norm\.scale", [r"model.layers.\1.input_layernorm.weight"]),
    (r"block\.(\d+)\.attn\.qkv\.(weight|bias)", [rf"model.layers.\1.self_attn.{x}_proj.\2" for x in "qkv"]),
    (r"block\.(\d+)\.attn\.sinks", [r"model.layers.\1.self_attn.sinks"]),
    (r"block\.(\d+)\.attn\.out\.(weight|bias)", [r"model.layers.\1.self_attn.o_proj.\2"]),
    (r"block\.(\d+)\.mlp\.norm\.scale", [r"model.layers.\1.post_attention_layernorm.weight"]),
    (r"block\.(\d+)\.mlp\.gate\.(weight|bias)", [r"model.layers.\1.mlp.router.\2"]),
    (r"block\.(\d+)\.mlp\.mlp1_weight", [r"model.layers.\1.mlp.experts.gate_up_proj"]),
    (r"block\.(\d+)\.mlp\.mlp1_bias", [r"model.layers.\1.mlp.experts.gate_up_proj_bias"]),
    (r"block\.(\d+)\.mlp\.mlp2_weight", [r"model.layers.\1.mlp.experts.down_proj"]),
    (r"block\.(\d+)\.mlp\.mlp2_bias", [r"model.layers.\1.mlp.experts.down_proj_bias"]),
]

ORIGINAL = Layout(
    name="original", parts=lambda name: (name,), blocks=".blocks", scales=".scales", transposed=False
)  # as in https://huggingface.co/openai/gpt-oss-20b/tree/main/original
HUGGINGFACE = Layout(name="Hugging Face", parts=_huggingface, blocks="_blocks", scales="_scales", transposed=True)


def dense_tensors(config: ModelConfig) -> Iterator[tuple[str, Shape]]:
    """Every tensor but the experts' matrices, with its shape."""
    heads = config.num_attention_heads * config.head_dim
    qkv = heads + 2 * config.num_key_value_heads * config.head_dim
    hidden, experts = config.hidden_size, config.num_experts
    yield "embedding.weight", (config.vocab_size, hidden)
    for n in range(config.num_hidden_layers):
        yield f"block.{n}.attn.norm.scale", (hidden,)
        yield f"block.{n}.attn.qkv.weight", (qkv, hidden)
        yield f"block.{n}.attn.qkv.bias", (qkv,)
        yield f"block.{n}.attn.sinks", (config.num_attention_heads,)
        yield f"block.{n}.attn.out.weight", (hidden, heads)
        yield f"block.{n}.attn.out.bias", (hidden,)
        yield f"block.{n}.mlp.norm.scale", (hidden,)
        yield f"block.{n}.mlp.gate.weight", (experts, hidden)
        yield f"block.{n}.mlp.gate.bias", (experts,)
        yield f"block.{n}.mlp.mlp1_bias", (experts, 2 * config.intermediate_size)
        yield f"block.{n}.mlp.mlp2_bias", (experts, hidden)
    yield "norm.scale", (hidden,)
    yield "unembedding.weight", (config.vocab_size, hidden)


def expert_tensors(config: ModelConfig) -> Iterator[tuple[str, Shape]]:
    """The experts' matrices, with the shape [experts, out, in]."""
    experts, hidden, inner = config.num_experts, config.hidden_size, config.intermediate_size
    for n in range(config.num_hidden_layers):
        yield f"block.{n}.mlp.mlp1_weight", (experts, 2 * inner, hidden)
        yield f"block.{n}.mlp.mlp2_weight", (experts, hidden, inner)
