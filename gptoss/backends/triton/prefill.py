"""Many tokens at once: what a prompt adds to the cache.

Matrices that are bf16 go through PyTorch's own products; all else are kernels of ours. Nothing waits for the card.
"""

import torch
import triton
from torch.nn.functional import linear

from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.experts import Chosen, Experts
from gptoss.backends.triton.kernels.flash import attend_many
from gptoss.backends.triton.kernels.tokens import add_and_norm, turn_and_keep
from gptoss.backends.triton.tiles import FlashTile, GroupedTiles
from gptoss.backends.triton.weights import Layer, Weights


class Prefill:
    """Computes tokens on top of a cache; of several ranks, their part of it."""

    def __init__(
        self,
        weights: Weights,
        grouped: GroupedTiles | None = None,
        flash: FlashTile | None = None,
        group: Group = ALONE,
    ) -> None:
        self.weights = weights
        self.ranks = group
        self.experts = Experts(weights.config, grouped)
        self.flash = flash or FlashTile()
        self.start = torch.zeros(1, dtype=torch.int64, device=weights.device)
        """The position of the first token that `forward` computes."""
        self.group = weights.config.num_attention_heads // weights.config.num_key_value_heads

    def forward(self, ids: torch.Tensor, cache: KVCache) -> torch.Tensor:
        """Compute the tokens int64 [T] at `start` and after it, for which the cache has room, and add their keys and
        values to it: their last hidden states, float32 [T, hidden_size]."""
        hidden, parts = self._layers(ids, cache, whole=True)
        return hidden if parts is None else hidden + (parts.sum() if isinstance(parts, Chosen) else parts)

    def fill(self, ids: torch.Tensor, cache: KVCache) -> None:
        """Only add the keys and values: nothing is computed of the last layer but these."""
        self._layers(ids, cache, whole=False)

    def _layers(
        self, ids: torch.Tensor, cache: KVCache, *, whole: bool
    ) -> tuple[torch.Tensor, Chosen | torch.Tensor | None]:
        """Hidden states, and what comes on top of them."""
        hidden = self._embed(ids)
        parts: Chosen | torch.Tensor | None = None
        for n, (layer, (keys, values)) in enumerate(zip(self.weights.layers, cache.data, strict=True), 1):
            normed, _ = self._norm(hidden, parts, layer.attention_norm)
            queries = self._turn_and_keep(linear(normed, layer.qkv, layer.qkv_bias), keys, values)
            if n == len(self.weights.layers) and not whole:
                break
            out = linear(self._attend(layer, queries, keys, values), layer.out, layer.out_bias)
            if self.ranks.size > 1:
                out = self.ranks.sum(out.float())
            normed, inputs = self._norm(hidden, out, layer.experts_norm, layer.input_factor)
            parts = self.experts.of(layer, normed, inputs)
            if self.ranks.size > 1:
                parts = self.ranks.sum(parts.sum())
        return hidden, parts

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [T, vocab_size], of last hidden states [T, hidden_size]."""
        normed, _ = self._norm(hidden.contiguous(), None, self.weights.norm)
        return self.ranks.gather(linear(normed, self.weights.unembedding).float(), self.weights.vocabulary)

    def _embed(self, ids: torch.Tensor) -> torch.Tensor:
        if self.ranks.size == 1:
            return self.weights.embedding[ids].float()
        rows = ids - self.weights.plan.tokens.start
        others = (rows < 0) | (rows >= len(self.weights.plan.tokens))
        known = self.weights.embedding[rows.masked_fill(others, 0)].float()
        return self.ranks.sum(known.masked_fill_(others.unsqueeze(1), 0))

    def _norm(
        self, hidden: torch.Tensor, parts: Chosen | torch.Tensor | None, scale: torch.Tensor, factor: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Normed bf16 [T, width], of the hidden states to which the parts are added in place; with a factor also the
        experts' float16 inputs."""
        config, tokens = self.weights.config, len(hidden)
        normed = torch.empty_like(hidden, dtype=torch.bfloat16)
        inputs = torch.empty_like(hidden, dtype=torch.float16) if factor else normed
        placed = isinstance(parts, Chosen)
        added, place, weights = parts if isinstance(parts, Chosen) else (parts, hidden, hidden)
        add_and_norm[(tokens,)](
            hidden, hidden if added is None else added, place, weights, scale, normed, inputs, factor,
            PARTS=0 if parts is None else config.experts_per_token if placed else 1,
            WIDTH=config.hidden_size, WIDTH_BLOCK=triton.next_power_of_2(config.hidden_size),
            EPS=config.rms_norm_eps, PLACED=placed, INPUTS=factor > 0, num_warps=4,
        )  # fmt: skip
        return normed, inputs

    def _turn_and_keep(self, qkv: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """The queries."""
        config, tokens = self.weights.config, len(qkv)
        heads, kv_heads, head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        queries = qkv.new_empty(tokens, heads * head_dim)
        turn_and_keep[(tokens, triton.cdiv(heads + 2 * kv_heads, 16))](
            qkv, self.weights.rope, queries, keys, values, self.start, keys.shape[1],
            HEADS=heads, KV_HEADS=kv_heads, HEAD_DIM=head_dim, HALF_BLOCK=triton.next_power_of_2(head_dim // 2),
            AT_ONCE=16, num_warps=2,
        )  # fmt: skip
        return queries

    def _attend(self, layer: Layer, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        config, tile, tokens = self.weights.config, self.flash, len(queries)
        heads, kv_heads, head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        mixed = torch.empty_like(queries)
        attend_many[(triton.cdiv(tokens, tile.rows // self.group), kv_heads)](
            queries, keys, values, layer.sinks, mixed, self.start, tokens, keys.shape[1],
            WINDOW=layer.window, GROUP=self.group, HEADS=heads, HEAD_DIM=head_dim,
            DIM=max(triton.next_power_of_2(head_dim), 16), ROWS=tile.rows, KEYS=tile.keys,
            num_warps=tile.warps, num_stages=tile.stages,
        )  # fmt: skip
        return mixed
