"""The experts of many tokens: choosing, sorting, multiplying."""

from typing import Any, NamedTuple

import torch
import triton
from triton.tools.tensor_descriptor import TensorDescriptor

from gptoss.backends.config import ModelConfig
from gptoss.backends.triton.kernels.grouped import experts_down, experts_up
from gptoss.backends.triton.kernels.routing import route, sort_choices, spread
from gptoss.backends.triton.tiles import GroupedTiles
from gptoss.backends.triton.weights import Layer, Packed, float16_factor


class Chosen(NamedTuple):
    """What the experts gave: `parts` bf16 [T * per_token, hidden_size] by choices sorted by expert; where each token's
    choices are, int32 [T, per_token]; their weights, float32 [T, per_token]."""

    parts: torch.Tensor
    place: torch.Tensor
    weights: torch.Tensor

    def sum(self) -> torch.Tensor:
        """float32 [T, hidden_size]."""
        return (self.parts[self.place].float() * self.weights.unsqueeze(-1)).sum(1)


class Experts:
    """Of a layer each time, in one of the tiles."""

    def __init__(self, config: ModelConfig, tiles: GroupedTiles | None = None) -> None:
        self._config = config
        self._tiles = tiles or GroupedTiles()
        self._inner_factor = float16_factor(config.swiglu_limit * (config.swiglu_limit + 1))

    def of(self, layer: Layer, normed: torch.Tensor, inputs: torch.Tensor) -> Chosen:
        """normed bf16 [T, hidden_size]; inputs as `add_and_norm` writes them."""
        config, tokens = self._config, len(normed)
        place, weights, offsets = self._choose(layer, normed)
        choices = tokens * config.experts_per_token
        sorted_inputs = inputs.new_empty(choices, config.hidden_size)
        spread[(tokens,)](
            inputs, place, sorted_inputs,
            WIDTH=config.hidden_size, PER_TOKEN=config.experts_per_token,
            BLOCK=triton.next_power_of_2(config.hidden_size), num_warps=4,
        )  # fmt: skip
        inner = inputs.new_empty(choices, config.intermediate_size)
        self.up(layer, sorted_inputs, offsets, inner)
        parts = torch.empty_like(sorted_inputs, dtype=torch.bfloat16)
        self.down(layer, inner, offsets, parts)
        return Chosen(parts, place, weights)

    def up(self, layer: Layer, inputs: torch.Tensor, offsets: torch.Tensor, inner: torch.Tensor) -> None:
        """The first matrices and SwiGLU: see `experts_up`."""
        self._multiply(
            experts_up, layer.up, inputs, offsets, inner, layer.input_factor, self._inner_factor,
            ALPHA=self._config.swiglu_alpha, LIMIT=self._config.swiglu_limit,
        )  # fmt: skip

    def down(self, layer: Layer, inner: torch.Tensor, offsets: torch.Tensor, parts: torch.Tensor) -> None:
        """The second matrices: see `experts_down`."""
        self._multiply(experts_down, layer.down, inner, offsets, parts, self._inner_factor)

    def _choose(self, layer: Layer, normed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Places, weights, and where each expert's choices begin."""
        config, tokens = self._config, len(normed)
        chosen = torch.empty(tokens, config.experts_per_token, dtype=torch.int32, device=normed.device)
        weights = torch.empty_like(chosen, dtype=torch.float32)
        route[(triton.cdiv(tokens, 16),)](
            normed, layer.router, layer.router_bias, chosen, weights, tokens,
            WIDTH=config.hidden_size, EXPERTS=config.num_experts,
            EXPERTS_BLOCK=max(triton.next_power_of_2(config.num_experts), 16),
            PER_TOKEN=config.experts_per_token, PER_TOKEN_BLOCK=triton.next_power_of_2(config.experts_per_token),
            TOKENS=16, BLOCK=128, num_warps=4,
        )  # fmt: skip
        place = torch.empty_like(chosen)
        offsets = torch.empty(config.num_experts + 1, dtype=torch.int32, device=normed.device)
        sort_choices[(config.num_experts,)](
            chosen, place, offsets, chosen.numel(), EXPERTS=config.num_experts, BLOCK=2048, num_warps=8
        )
        return place, weights, offsets

    def _multiply(
        self, kernel: Any, packed: Packed, inputs: torch.Tensor, offsets: torch.Tensor, result: torch.Tensor,
        *factors: float, **named: float,
    ) -> None:  # fmt: skip
        config, choices, rows = self._config, len(inputs), packed.bias.shape[1]
        tile = self._tiles.of(choices / config.num_experts)
        tiles = triton.cdiv(choices, tile.choices) + min(config.num_experts, choices) - 1
        kernel[(triton.cdiv(rows, tile.rows), tiles)](
            *[TensorDescriptor.from_tensor(inputs, [tile.choices // part, tile.groups * 32]) for part in (1, 2, 4)],
            offsets, packed.words.view(torch.int16), packed.exponents.view(torch.int32), packed.bias, result,
            2.0**15 * packed.factor / factors[0], *factors[1:],
            WIDTH=config.hidden_size, INNER=config.intermediate_size, EXPERTS=config.num_experts,
            EXPERTS_BLOCK=triton.next_power_of_2(config.num_experts), ROWS=tile.rows, CHOICES=tile.choices,
            GROUPS=tile.groups, num_warps=tile.warps, num_stages=tile.stages, **named,
        )  # fmt: skip
