"""The arithmetic of gpt-oss. It knows no files, no sampling and no prompt: ids and a cache in, hidden states out."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.parallel.group import Group
from gptoss.backends.parallel.plan import Plan
from gptoss.backends.torch.attention import View, attend
from gptoss.backends.torch.cache import KVCache
from gptoss.backends.torch.experts import Experts
from gptoss.backends.torch.linear import Linear
from gptoss.backends.torch.rope import Rope, rotate
from gptoss.backends.torch.rows import Pad
from gptoss.backends.torch.stopping import Stopped
from gptoss.backends.torch.threads import threads_for
from gptoss.engine.ports import Cancelled


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
    """All layers, or the part of them that `plan` gives this rank of `group`: what the ranks compute is summed after
    attention and after the experts, so that all have the same hidden states, float32 [tokens, hidden_size]. `pad` makes
    the rows of a product steady."""

    plan: Plan
    group: Group
    device: torch.device
    cache_dtype: torch.dtype
    pad: Pad
    embedding: torch.Tensor
    blocks: Sequence[Block]
    norm: Norm
    unembedding: Linear
    rope: Rope

    @property
    def config(self) -> ModelConfig:
        return self.plan.config

    def new_cache(self) -> KVCache:
        config = self.config
        return KVCache(
            config.num_hidden_layers, config.num_key_value_heads, config.head_dim, self.cache_dtype, self.device
        )

    def forward(self, ids: Sequence[int], cache: KVCache, cancelled: Cancelled | None = None) -> torch.Tensor:
        """Compute the tokens that follow the cached ones, and add them to the cache: their last hidden states.

        Stopped once `cancelled`, which is asked before each layer; not where others compute along, who would wait.
        """
        if self.group.size > 1:
            cancelled = None
        with threads_for(len(ids) * self.config.hidden_size * 2 * self.config.intermediate_size):
            x = self._layers(ids, cache, cancelled)
        cache.ids.extend(ids)
        return x

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [tokens, vocab_size]."""
        count = len(hidden)
        with threads_for(count * self.config.hidden_size * self.config.vocab_size):
            known = self.unembedding(self.pad(self.norm(hidden)))[:count]
        return self.group.gather(known, self.plan.whole.vocab_size)

    def _embedded(self, ids: Sequence[int]) -> torch.Tensor:
        tokens = self.plan.tokens
        rows = torch.tensor(ids, device=self.device) - tokens.start
        if self.group.size == 1:
            return self.embedding[rows].float()
        others = (rows < 0) | (rows >= len(tokens))
        return self.group.sum(self.embedding[rows.masked_fill(others, 0)].float().masked_fill_(others.unsqueeze(1), 0))

    def _layers(self, ids: Sequence[int], cache: KVCache, cancelled: Cancelled | None) -> torch.Tensor:
        config, count, start = self.config, len(ids), len(cache.ids)
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        group = heads // kv_heads
        views = {window: View(start, count, group, window, self.device) for window in set(config.windows)}
        cache.reserve(max(view.last for view in views.values()))
        cosines, sines = self.rope.at(start, count, turning=heads + kv_heads, staying=kv_heads)
        x = self._embedded(ids)
        for layer, block in enumerate(self.blocks):
            if cancelled and cancelled():
                raise Stopped
            cached = cache.layers[layer]
            qkv = block.qkv(self.pad(block.attention_norm(x)))[:count].view(count, -1, config.head_dim)
            qkv = rotate(qkv, cosines, sines)
            cached.narrow(1, start, count).copy_(qkv.narrow(1, heads, 2 * kv_heads).transpose(0, 1))
            mixed = attend(qkv.narrow(1, 0, heads), cached, block.sinks, views[block.window])
            x = x + self.group.sum(block.out(self.pad(mixed))[:count])
            x = x + self.group.sum(block.experts(block.experts_norm(x)))
        return x
