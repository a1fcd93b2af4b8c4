"""One token at a time, or a few: the kernels of a step in their order."""

from collections.abc import Sequence

import torch
import triton

from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.kernels.attention import attend
from gptoss.backends.triton.kernels.experts import expert_down, expert_up
from gptoss.backends.triton.kernels.projection import project_out
from gptoss.backends.triton.kernels.qkv import project_qkv
from gptoss.backends.triton.kernels.router import score_experts
from gptoss.backends.triton.kernels.sampling import draw, summarise
from gptoss.backends.triton.kernels.unembedding import unembed
from gptoss.backends.triton.tiles import FEW, Tile, Tiles
from gptoss.backends.triton.weights import Layer, Weights, float16_factor
from gptoss.engine.settings import Sampling

CHUNK = 2048
"""Tokens of the vocabulary that one program of the sampling looks at."""


class Decoder:
    """The buffers of a step and the launches that fill them.

    `position` int64 [1] is where the token is whose embedding is in `hidden`, or the first of `tokens` that follow one
    another; `token` int32 [tokens] and `logprob` float32 [tokens] are what the last step drew after each of them;
    `logits` float32 [tokens, vocabulary] what it was drawn from. On one card, what is computed for a token is the
    same to the last bit, however many are computed with it; sums over ranks may be added in another order.
    """

    def __init__(
        self,
        weights: Weights,
        tiles: Tiles | None = None,
        *,
        tokens: int = 1,
        splits: int = 16,
        dependent: bool = False,
        group: Group = ALONE,
    ) -> None:
        """It computes `tokens` at a time. `splits` programs share the keys of a layer without a window. `dependent`:
        see `kernels`. `group` are the ranks that share the model."""
        config, device = weights.config, weights.device
        self.tokens = tokens
        self.weights = weights
        self.ranks = group
        self.tiles = _fitting(tiles or (Tiles() if tokens == 1 else FEW), weights)
        self.splits = splits
        self.dependent = dependent
        self.group = config.num_attention_heads // config.num_key_value_heads
        self.rows = max(triton.next_power_of_2(self.group), 16)
        self.dim = max(triton.next_power_of_2(config.head_dim), 16)
        self.chunks = triton.cdiv(weights.vocabulary, CHUNK)

        def zeros(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
            return torch.zeros(*shape, dtype=dtype, device=device)

        self.hidden = zeros(tokens, config.hidden_size)
        self.queries = zeros(tokens, config.num_attention_heads * config.head_dim, dtype=torch.bfloat16)
        self.mixed = zeros(tokens, config.num_attention_heads * config.head_dim, dtype=torch.bfloat16)
        self.partial = zeros(tokens, config.num_key_value_heads, splits, self.rows, self.dim + 2)
        self.arrived = zeros(tokens, config.num_key_value_heads, dtype=torch.int32)
        self.scores = zeros(tokens, config.num_experts)
        self.normed = zeros(tokens, config.hidden_size, dtype=torch.float16)
        self.inner = zeros(tokens, config.experts_per_token, config.intermediate_size, dtype=torch.float16)
        self.inner_factor = float16_factor(config.swiglu_limit * (config.swiglu_limit + 1))
        self.logits = zeros(tokens, weights.vocabulary)
        self.own_logits = self.logits if group.size == 1 else zeros(tokens, config.vocab_size)
        self.summaries = zeros(tokens, 3, self.chunks)
        self.position = zeros(1, dtype=torch.int64)
        self.seed = zeros(1, dtype=torch.int64)
        self.temperature = zeros(1)
        self.token = zeros(tokens, dtype=torch.int32)
        self.logprob = zeros(tokens)

    def forward(self, cache: KVCache) -> None:
        """Launch all of the model on the tokens at `position`: the `logits` after each."""
        self.layers(cache)
        self.unembed()

    def layers(self, cache: KVCache) -> None:
        """Launch all layers: `hidden` becomes the last hidden state."""
        for layer, (keys, values) in zip(self.weights.layers, cache.data, strict=True):
            self.layer(layer, keys, values)

    def layer(self, layer: Layer, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Launch one layer; keys and values are its part of the cache, [kv_heads, capacity, head_dim]."""
        self.project_qkv(layer, keys, values)
        self.attend(layer, keys, values)
        self.project_out(layer)
        self._sum()
        self.score_experts(layer)
        self.expert_up(layer)
        self.expert_down(layer)
        self._sum()

    def enter(self, tokens: Sequence[int], position: int) -> None:
        """Begin a step with tokens that were not drawn here."""
        self.position.fill_(position)
        own = self.weights.plan.tokens
        for row, token in zip(self.hidden, tokens, strict=True):
            if token in own:
                row.copy_(self.weights.embedding[token - own.start])
            else:
                row.zero_()
        self._sum()

    def ask(self, sampling: Sampling) -> None:
        """How `draw` shall draw; `top_p` is not its business."""
        self.seed.fill_((sampling.seed + 2**63) % 2**64 - 2**63)
        self.temperature.fill_(sampling.temperature)

    def unembed(self) -> None:
        """Launch the product with the vocabulary."""
        weights, config, tile = self.weights, self.weights.config, self.tiles.unembedding
        unembed[(triton.cdiv(config.vocab_size, tile.rows),)](
            self.hidden, weights.norm, weights.unembedding, self.own_logits, config.vocab_size,
            WIDTH=config.hidden_size, EPS=config.rms_norm_eps, ROWS=tile.rows, BLOCK=tile.block,
            TOKENS=self.tokens, **self._launch(tile),
        )  # fmt: skip
        if self.ranks.size > 1:
            self.logits.copy_(self.ranks.gather(self.own_logits, weights.vocabulary))

    def draw(self) -> None:
        """Launch the sampling: `token` and `logprob`; `position` and `hidden` move on to it, if it is one."""
        config = self.weights.config
        shared = {
            "VOCABULARY": self.weights.vocabulary,
            "CHUNK": CHUNK,
            "CHUNKS": self.chunks,
            "DEPENDENT": self.dependent,
        }
        summarise[(self.chunks, self.tokens)](
            self.logits, self.temperature, self.summaries, num_warps=8, launch_pdl=self.dependent, **shared
        )
        draw[(self.tokens,)](
            self.logits, self.temperature, self.seed, self.summaries, self.position, self.token, self.logprob,
            self.weights.embedding, self.hidden, self.weights.plan.tokens.start, self.weights.plan.tokens.stop,
            CHUNKS_BLOCK=triton.next_power_of_2(self.chunks),
            WIDTH=config.hidden_size, WIDTH_BLOCK=triton.next_power_of_2(config.hidden_size), TOKENS=self.tokens,
            num_warps=8, launch_pdl=self.dependent, **shared,
        )  # fmt: skip
        if self.tokens == 1:
            self._sum()

    def _sum(self) -> None:
        """Make of the ranks' parts of the hidden state the whole on each."""
        if self.ranks.size > 1:
            total = self.ranks.sum(self.hidden)
            if total is not self.hidden:
                self.hidden.copy_(total)

    def project_qkv(self, layer: Layer, keys: torch.Tensor, values: torch.Tensor) -> None:
        config, tile = self.weights.config, self.tiles.qkv
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        project_qkv[((heads + 2 * kv_heads) * (config.head_dim // 2 // tile.rows),)](
            self.hidden, layer.attention_norm, layer.qkv, layer.qkv_bias, self.weights.rope, self.position,
            self.queries, keys, values, keys.shape[1],
            WIDTH=config.hidden_size, HEADS=heads, KV_HEADS=kv_heads, HEAD_DIM=config.head_dim,
            EPS=config.rms_norm_eps, PAIRS=tile.rows, AHEAD=tile.ahead, BLOCK=tile.block,
            TOKENS=self.tokens, **self._launch(tile),
        )  # fmt: skip

    def attend(self, layer: Layer, keys: torch.Tensor, values: torch.Tensor) -> None:
        config, tile = self.weights.config, self.tiles.attention
        splits = 1 if 0 < layer.window <= 2 * tile.block else self.splits
        attend[(config.num_key_value_heads, splits, self.tokens)](
            self.queries, keys, values, layer.sinks, self.position, self.partial, self.arrived, self.mixed,
            keys.shape[1],
            WINDOW=layer.window, GROUP=self.group, ROWS=self.rows, HEAD_DIM=config.head_dim, DIM=self.dim,
            KEYS=tile.block, SPLITS=splits, **self._launch(tile),
        )  # fmt: skip

    def project_out(self, layer: Layer) -> None:
        config, tile = self.weights.config, self.tiles.out
        project_out[(triton.cdiv(config.hidden_size, tile.rows),)](
            self.mixed, layer.out, layer.out_bias, self.hidden,
            WIDTH=config.hidden_size, INNER=config.num_attention_heads * config.head_dim,
            ROWS=tile.rows, AHEAD=tile.ahead, BLOCK=tile.block, KEEP=self.ranks.rank == 0,
            TOKENS=self.tokens, **self._launch(tile),
        )  # fmt: skip

    def score_experts(self, layer: Layer) -> None:
        config, tile = self.weights.config, self.tiles.router
        score_experts[(config.num_experts, self.tokens)](
            self.hidden, layer.experts_norm, layer.router, layer.router_bias, self.scores, self.normed,
            layer.input_factor,
            WIDTH=config.hidden_size, WIDTH_BLOCK=triton.next_power_of_2(config.hidden_size), EPS=config.rms_norm_eps,
            **self._launch(tile),
        )  # fmt: skip

    def expert_up(self, layer: Layer) -> None:
        config, tile = self.weights.config, self.tiles.up
        expert_up[(triton.cdiv(2 * config.intermediate_size, tile.rows), config.experts_per_token, self.tokens)](
            self.normed.view(torch.int32), self.scores, *layer.up[:3], self.inner,
            layer.up.factor / layer.input_factor, self.inner_factor, layer.up.exponents.shape[-1] // 2,
            ALPHA=config.swiglu_alpha, LIMIT=config.swiglu_limit, ROWS=tile.rows, BLOCK=tile.block,
            **self._routing(), **self._launch(tile),
        )  # fmt: skip

    def expert_down(self, layer: Layer) -> None:
        config, tile = self.weights.config, self.tiles.down
        expert_down[(triton.cdiv(config.hidden_size, tile.rows), self.tokens)](
            self.inner.view(torch.int32), self.scores, *layer.down[:3], self.hidden,
            layer.down.factor / self.inner_factor, layer.down.exponents.shape[-1] // 2,
            ROWS=tile.rows, BLOCK=tile.block, KEEP=self.ranks.rank == 0, **self._routing(), **self._launch(tile),
        )  # fmt: skip

    def _routing(self) -> dict[str, int]:
        config = self.weights.config
        return {
            "WIDTH": config.hidden_size,
            "INNER": config.intermediate_size,
            "EXPERTS": config.num_experts,
            "EXPERTS_BLOCK": triton.next_power_of_2(config.num_experts),
            "PER_TOKEN": config.experts_per_token,
            "RANKS": triton.next_power_of_2(config.experts_per_token),
        }

    def _launch(self, tile: Tile) -> dict[str, int | bool]:
        return {"DEPENDENT": self.dependent, "num_warps": tile.warps, "launch_pdl": self.dependent}


def _fitting(tiles: Tiles, weights: Weights) -> Tiles:
    """The same for a geometry that is smaller than a tile."""
    config = weights.config
    wide = config.num_attention_heads * config.head_dim
    pairs = tiles.qkv.rows
    while config.head_dim // 2 % pairs:
        pairs //= 2
    return tiles._replace(
        qkv=tiles.qkv._replace(rows=pairs, ahead=min(tiles.qkv.ahead, _floor(config.hidden_size))),
        out=tiles.out._replace(ahead=min(tiles.out.ahead, _floor(wide))),
    )


def _floor(number: int) -> int:
    """The largest power of two that is not larger."""
    return 1 << number.bit_length() - 1
