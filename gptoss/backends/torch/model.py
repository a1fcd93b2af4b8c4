"""The arithmetic of gpt-oss. It knows no files, no sampling and no prompt: ids and a cache in, hidden states out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.torch.attention import View, attend
from gptoss.backends.torch.cache import KVCache
from gptoss.backends.torch.experts import Experts
from gptoss.backends.torch.linear import Linear
from gptoss.backends.torch.rope import Rope, rotate
from gptoss.backends.torch.threads import threads_for


class Norm(NamedTuple):
    """Root mean square normalisation."""

    scale: torch.Tensor
    eps: float

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True).add_(self.eps)) * self.scale


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
    """All layers. Hidden states are float32 [rows, hidden_size]; `steady` maps a number of rows to that to compute."""

    config: ModelConfig
    device: torch.device
    cache_dtype: torch.dtype
    steady: Callable[[int], int]
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
        """Compute the tokens that follow the cached ones, and add them to the cache: [at least len(ids), hidden_size].

        Rows beyond the first len(ids) repeat the last one.
        """
        rows = self.steady(len(ids))
        with threads_for(rows * self.config.hidden_size * 2 * self.config.intermediate_size):
            x = self._layers(ids, rows, cache)
        cache.ids.extend(ids)
        return x

    def _layers(self, ids: Sequence[int], rows: int, cache: KVCache) -> torch.Tensor:
        config, count, start = self.config, len(ids), len(cache.ids)
        group = config.num_attention_heads // config.num_key_value_heads
        views = {window: View(start, count, rows, group, window, self.device) for window in set(config.windows)}
        cache.reserve(max(view.keys.stop for view in views.values()))
        cosines, sines = self.rope.at(start, count)
        if rows > count:
            extra = rows - count
            ids = [*ids, *[ids[-1]] * extra]
            cosines, sines = (torch.cat((t, t[-1:].expand(extra, -1, -1))) for t in (cosines, sines))
        x = self.embedding[torch.tensor(ids, device=self.device)].float()
        for layer, block in enumerate(self.blocks):
            qkv = block.qkv(block.attention_norm(x)).view(rows, -1, config.head_dim)
            turning = config.num_attention_heads + config.num_key_value_heads
            turned = rotate(qkv[:, :turning], cosines, sines)
            queries, keys = turned.split((config.num_attention_heads, config.num_key_value_heads), 1)
            cache.keys[layer][:, start : start + count] = keys[:count].transpose(0, 1)
            cache.values[layer][:, start : start + count] = qkv[:count, turning:].transpose(0, 1)
            mixed = attend(queries, cache.keys[layer], cache.values[layer], block.sinks, views[block.window])
            x = x + block.out(mixed)
            x = x + block.experts(block.experts_norm(x), count)
        return x

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [rows, vocab_size] of steady many rows of hidden states."""
        with threads_for(len(hidden) * self.config.hidden_size * self.config.vocab_size):
            return self.unembedding(self.norm(hidden))
