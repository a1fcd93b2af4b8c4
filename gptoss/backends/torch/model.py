"""The arithmetic of gpt-oss. It knows no files, no sampling and no prompt: ids and a cache in, hidden states out."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.torch.attention import View, attend
from gptoss.backends.torch.cache import KVCache
from gptoss.backends.torch.experts import Experts
from gptoss.backends.torch.linear import Linear
from gptoss.backends.torch.rope import Rope, rotate
from gptoss.backends.torch.rows import Pad
from gptoss.backends.torch.threads import threads_for


class Norm(NamedTuple):
    """Root mean square normalisation."""

    scale: torch.Tensor
    eps: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return (x * x.square().mean(-1, keepdim=True).add_(self.eps).rsqrt_()).mul_(self.scale)


class Block(NamedTuple):
    """One layer; `window` as in `ModelConfig.windows`."""

    window: int | None
    attention_norm: Norm
    qkv: Linear
    sinks: torch.Tensor
    out: Linear
    experts_norm: Norm
    experts: Experts


class Model(NamedTuple):
    """All layers. Hidden states are float32 [tokens, hidden_size]; `pad` makes the rows of a product steady."""

    config: ModelConfig
    device: torch.device
    cache_dtype: torch.dtype
    pad: Pad
    embedding: torch.Tensor
    blocks: Sequence[Block]
    norm: Norm
    unembedding: Linear
    rope: Rope

    def new_cache(self) -> KVCache:
        config = self.config
        return KVCache(
            config.num_hidden_layers, config.num_key_value_heads, config.head_dim, self.cache_dtype, self.device
        )

    def forward(self, ids: Sequence[int], cache: KVCache) -> torch.Tensor:
        """Compute the tokens that follow the cached ones, and add them to the cache: their last hidden states."""
        with threads_for(len(ids) * self.config.hidden_size * 2 * self.config.intermediate_size):
            x = self._layers(ids, cache)
        cache.ids.extend(ids)
        return x

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [tokens, vocab_size]."""
        count = len(hidden)
        with threads_for(count * self.config.hidden_size * self.config.vocab_size):
            return self.unembedding(self.pad(self.norm(hidden)))[:count]

    def _layers(self, ids: Sequence[int], cache: KVCache) -> torch.Tensor:
        config, count, start = self.config, len(ids), len(cache.ids)
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        group = heads // kv_heads
        views = {window: View(start, count, group, window, self.device) for window in set(config.windows)}
        cache.reserve(max(view.last for view in views.values()))
        cosines, sines = self.rope.at(start, count, turning=heads + kv_heads, staying=kv_heads)
        x = self.embedding[torch.tensor(ids, device=self.device)].float()
        for layer, block in enumerate(self.blocks):
            cached = cache.layers[layer]
            qkv = block.qkv(self.pad(block.attention_norm(x)))[:count].view(count, -1, config.head_dim)
            qkv = rotate(qkv, cosines, sines)
            cached.narrow(1, start, count).copy_(qkv.narrow(1, heads, 2 * kv_heads).transpose(0, 1))
            mixed = attend(qkv.narrow(1, 0, heads), cached, block.sinks, views[block.window])
            x = x + block.out(self.pad(mixed))[:count]
            x = x + block.experts(block.experts_norm(x))
        return x
