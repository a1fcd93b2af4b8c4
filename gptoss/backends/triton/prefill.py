"""Many tokens at once: what a prompt adds to the cache.

Matrices that are bf16 go through PyTorch's own products; all else are kernels of ours. Nothing waits for the card.
"""

import torch
import triton
from torch.nn.functional import linear

from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.kernels.flash import attend_many
from gptoss.backends.triton.kernels.grouped import experts_down, experts_up
from gptoss.backends.triton.kernels.tokens import add_and_norm, turn_and_keep
from gptoss.backends.triton.tiles import FEW, LARGE, MANY, FlashTile, GroupedTile
from gptoss.backends.triton.weights import Layer, Weights, float16_factor


class Prefill:
    """Computes tokens on top of a cache; of several ranks, their part of it."""

    def __init__(
        self,
        weights: Weights,
        grouped: GroupedTile | None = None,
        flash: FlashTile | None = None,
        group: Group = ALONE,
    ) -> None:
        self.weights = weights
        self.ranks = group
        self.grouped = grouped
        self.flash = flash or FlashTile()
        config = weights.config
        self.group = config.num_attention_heads // config.num_key_value_heads
        self.inner_factor = float16_factor(config.swiglu_limit * (config.swiglu_limit + 1))
        self.experts = torch.arange(config.num_experts + 1, device=weights.device)

    def forward(self, ids: torch.Tensor, cache: KVCache) -> torch.Tensor:
        """Compute the tokens int64 [T] that follow those of the cache, which has room for them, and add their keys and
        values: their last hidden states, float32 [T, hidden_size]."""
        config, start = self.weights.config, len(cache.ids)
        hidden = self._embed(ids)
        parts = hidden  # of the experts before: none yet
        count = 0
        for layer, (keys, values) in zip(self.weights.layers, cache.data, strict=True):
            normed, _ = self._norm(hidden, parts, count, layer.attention_norm)
            mixed = self._attend(layer, linear(normed, layer.qkv, layer.qkv_bias), keys, values, start)
            out = linear(mixed, layer.out, layer.out_bias)
            if self.ranks.size > 1:
                out = self.ranks.sum(out.float())
            normed, inputs = self._norm(hidden, out, 1, layer.experts_norm, layer.input_factor)
            parts, count = self._experts(layer, normed, inputs), config.experts_per_token
            if self.ranks.size > 1:
                parts, count = self.ranks.sum(parts.view(len(ids), count, -1).sum(1)), 1
        return hidden + parts.view(len(ids), count, -1).sum(1)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [T, vocab_size], of last hidden states [T, hidden_size]."""
        normed, _ = self._norm(hidden.contiguous(), hidden, 0, self.weights.norm)
        return self.ranks.gather(linear(normed, self.weights.unembedding).float(), self.weights.vocabulary)

    def _embed(self, ids: torch.Tensor) -> torch.Tensor:
        if self.ranks.size == 1:
            return self.weights.embedding[ids].float()
        rows = ids - self.weights.plan.tokens.start
        others = (rows < 0) | (rows >= len(self.weights.plan.tokens))
        known = self.weights.embedding[rows.masked_fill(others, 0)].float()
        return self.ranks.sum(known.masked_fill_(others.unsqueeze(1), 0))

    def _norm(
        self, hidden: torch.Tensor, parts: torch.Tensor, count: int, scale: torch.Tensor, factor: float = 0.0
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Normed bf16 [T, width]; with a factor also the experts' float16 inputs."""
        config, tokens = self.weights.config, len(hidden)
        normed = torch.empty_like(hidden, dtype=torch.bfloat16)
        inputs = torch.empty_like(hidden, dtype=torch.float16) if factor else normed
        add_and_norm[(tokens,)](
            hidden, parts, scale, normed, inputs, factor,
            PARTS=count, WIDTH=config.hidden_size, WIDTH_BLOCK=triton.next_power_of_2(config.hidden_size),
            EPS=config.rms_norm_eps, INPUTS=factor > 0, num_warps=4,
        )  # fmt: skip
        return normed, inputs

    def _attend(
        self, layer: Layer, qkv: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, start: int
    ) -> torch.Tensor:
        config, tile, tokens = self.weights.config, self.flash, len(qkv)
        heads, kv_heads, head_dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
        queries = qkv.new_empty(tokens, heads * head_dim)
        turn_and_keep[(tokens, triton.cdiv(heads + 2 * kv_heads, 16))](
            qkv, self.weights.rope, queries, keys, values, start, keys.shape[1],
            HEADS=heads, KV_HEADS=kv_heads, HEAD_DIM=head_dim, HALF_BLOCK=triton.next_power_of_2(head_dim // 2),
            AT_ONCE=16, num_warps=2,
        )  # fmt: skip
        mixed = torch.empty_like(queries)
        attend_many[(triton.cdiv(tokens, tile.rows // self.group), kv_heads)](
            queries, keys, values, layer.sinks, mixed, start, tokens, keys.shape[1],
            WINDOW=layer.window, GROUP=self.group, HEADS=heads, HEAD_DIM=head_dim,
            DIM=max(triton.next_power_of_2(head_dim), 16), ROWS=tile.rows, KEYS=tile.keys,
            num_warps=tile.warps, num_stages=tile.stages,
        )  # fmt: skip
        return mixed

    def _experts(self, layer: Layer, normed: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """float32 [T * per_token, hidden_size]: what each choice gives, times its weight."""
        config, tokens = self.weights.config, len(normed)
        tile = self.grouped or (MANY if tokens * config.experts_per_token >= LARGE * config.num_experts else FEW)
        scores = linear(normed.float(), layer.router.float(), layer.router_bias.float())
        best, chosen = scores.topk(config.experts_per_token)
        weights = best.softmax(-1).flatten()
        experts, order = chosen.flatten().sort(stable=True)
        offsets = torch.searchsorted(experts, self.experts, out_int32=True)
        choices = tokens * config.experts_per_token
        tiles = triton.cdiv(choices, tile.choices) + min(config.num_experts, choices) - 1
        inner = inputs.new_empty(choices, config.intermediate_size)
        shared = {
            "WIDTH": config.hidden_size,
            "INNER": config.intermediate_size,
            "EXPERTS": config.num_experts,
            "EXPERTS_BLOCK": triton.next_power_of_2(config.num_experts),
            "ROWS": tile.rows,
            "CHOICES": tile.choices,
            "GROUPS": tile.groups,
            "num_warps": tile.warps,
            "num_stages": tile.stages,
        }
        experts_up[(triton.cdiv(2 * config.intermediate_size, tile.rows), tiles)](
            inputs, order, offsets, layer.up.words.view(torch.int16), *layer.up[1:3], inner,
            2.0 ** (layer.up.top - 128) / layer.input_factor, self.inner_factor, layer.up.top,
            PER_TOKEN=config.experts_per_token, ALPHA=config.swiglu_alpha, LIMIT=config.swiglu_limit, **shared,
        )  # fmt: skip
        parts = torch.empty(choices, config.hidden_size, device=inputs.device)
        experts_down[(triton.cdiv(config.hidden_size, tile.rows), tiles)](
            inner, order, offsets, weights, layer.down.words.view(torch.int16), *layer.down[1:3],
            parts,
            2.0 ** (layer.down.top - 128) / self.inner_factor, layer.down.top, **shared,
        )  # fmt: skip
        return parts
