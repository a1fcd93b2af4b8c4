"""Small random models for the kernels, and the same arithmetic in float32."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.parallel.shard import whole
from gptoss.backends.triton import card
from gptoss.backends.triton.weights import Weights, load_weights
from tests.backends.checkpoints import Geometry, random_weights, save_original

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

GEOMETRY = Geometry(
    hidden=96, inner=64, heads=6, kv_heads=2, head_dim=16, experts=5, per_token=3, vocabulary=2500, factor=8.0
)
"""Odd on purpose: three query heads a kv head, widths that are no power of two, more than one chunk of tokens."""

TILES, GROUPED, FLASH = card.division(DEVICE)


class Model(NamedTuple):
    """`experts` holds the bf16 matrices [layer][up, down][expert, rows, columns] that the packed ones stand for."""

    weights: Weights
    experts: list[tuple[torch.Tensor, torch.Tensor]]


@cache
def small_model(seed: int = 0, geometry: Geometry = GEOMETRY) -> Model:
    random = random_weights(geometry, seed)
    with TemporaryDirectory() as folder:
        checkpoint = Checkpoint(save_original(random, Path(folder) / "model"))
        weights = load_weights(whole(checkpoint), DEVICE)
        checkpoint.close()
    experts = []
    for n in range(geometry.layers):
        up, down = (
            Mxfp4Matrix(random.blocks[name], random.scales[name]).dequantise().to(DEVICE)
            for name in (f"block.{n}.mlp.mlp1_weight", f"block.{n}.mlp.mlp2_weight")
        )
        experts.append((up, down))
    return Model(weights, experts)


class Exact(NamedTuple):
    """What a layer makes of tokens: keys and values [2, kv_heads, tokens, head_dim], attention [tokens, heads,
    head_dim], router scores, the experts' input, the new hidden states."""

    written: torch.Tensor
    mixed: torch.Tensor
    scores: torch.Tensor
    normed: torch.Tensor
    hidden: torch.Tensor


def exact_layer(
    model: Model, n: int, hidden: torch.Tensor, cached: torch.Tensor, start: int, scores: torch.Tensor | None = None
) -> Exact:
    """The tokens [tokens, hidden] at `start` and after it, over what `cached` [2, kv_heads, capacity, head_dim] holds
    of the positions before. `scores` [tokens, experts] choose experts instead of the exact ones: of two that are nearly
    equal either is right."""
    weights, config = model.weights, model.weights.config
    layer = weights.layers[n]
    heads, kv_heads, head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    count = len(hidden)

    def norm(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.rms_norm(x, (x.shape[-1],), scale, config.rms_norm_eps)

    qkv = norm(hidden, layer.attention_norm) @ layer.qkv.float().T + layer.qkv_bias.float()
    qkv = qkv.view(count, -1, head_dim)
    cosines, sines = weights.rope[start : start + count].unsqueeze(2).unbind(1)
    first, second = qkv[:, : heads + kv_heads].chunk(2, -1)
    turned = torch.cat((first * cosines - second * sines, second * cosines + first * sines), -1)
    queries, new_keys, new_values = turned[:, :heads], turned[:, heads:], qkv[:, heads + kv_heads :]
    written = torch.stack((new_keys.transpose(0, 1), new_values.transpose(0, 1)))
    keys, values = (torch.cat((cached[m, :, :start].float(), written[m].bfloat16().float()), 1) for m in range(2))

    keys, values = (x.repeat_interleave(heads // kv_heads, 0) for x in (keys, values))
    seen = torch.einsum("thd,hkd->htk", queries, keys) * head_dim**-0.5
    position = torch.arange(start, start + count, device=hidden.device)[:, None]
    key = torch.arange(start + count, device=hidden.device)[None, :]
    hiding = key > position
    if layer.window:
        hiding |= key <= position - layer.window
    seen = seen.masked_fill(hiding, float("-inf"))
    sinks = layer.sinks[:, None, None].expand(-1, count, 1)
    probabilities = torch.cat((seen, sinks), -1).softmax(-1)[..., :-1]
    mixed = torch.einsum("htk,hkd->thd", probabilities, values)
    hidden = hidden + mixed.flatten(1) @ layer.out.float().T + layer.out_bias.float()

    normed = norm(hidden, layer.experts_norm)
    routed = normed @ layer.router.float().T + layer.router_bias.float()
    best, chosen = (routed if scores is None else scores).topk(config.experts_per_token)
    result = hidden.clone()
    up, down = model.experts[n]
    for t in range(count):
        for weight, expert in zip(best[t].softmax(0), chosen[t].tolist(), strict=True):
            values_ = up[expert].float() @ normed[t] + layer.up.bias[expert].float()
            gate, linear = values_[0::2].clamp(max=config.swiglu_limit), values_[1::2].clamp(-7, 7)
            inner = gate * torch.sigmoid(config.swiglu_alpha * gate) * (linear + 1)
            result[t] += weight * (down[expert].float() @ inner + layer.down.bias[expert].float())
    return Exact(written, mixed, routed, normed, result)
