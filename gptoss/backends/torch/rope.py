"""Rotary positions with YaRN, as tables that grow with the context."""

import math

import torch

from gptoss.backends.config import RopeConfig


class Rope:
    """Where queries and keys are turned to; the two halves of a head's dimensions are the pairs' coordinates."""

    def __init__(self, config: RopeConfig, head_dim: int, device: torch.device) -> None:
        self.config = config
        self.frequencies = frequencies(config, head_dim).to(device)
        self.tables = torch.empty(2, 0, 1, head_dim, device=device)

    def at(self, start: int, count: int, turning: int, staying: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and signed sines [count, heads, head_dim] of the positions from `start` on.

        The first `turning` heads turn. The `staying` ones after them are turned by nothing, to the last bit: queries,
        keys and values can so go through one operation.
        """
        cosines, sines = self.tables_for(start + count)[:, start : start + count]
        still = cosines.new_ones(count, staying, cosines.shape[2])
        return (
            torch.cat((cosines.expand(-1, turning, -1), still), 1),
            torch.cat((sines.expand(-1, turning, -1), still - 1), 1),
        )

    def tables_for(self, positions: int) -> torch.Tensor:
        """Cosines, and sines of which the first half are negated, of so many positions or more: contiguous."""
        if positions > self.tables.shape[1]:
            self._grow(positions)
        return self.tables

    def _grow(self, positions: int) -> None:
        positions = max(512, 1 << (positions - 1).bit_length())
        angles = torch.outer(torch.arange(positions, device=self.frequencies.device).float(), self.frequencies)
        cosines, sines = angles.cos() * self.config.concentration, angles.sin() * self.config.concentration
        self.tables = torch.stack((torch.cat((cosines, cosines), 1), torch.cat((-sines, sines), 1))).unsqueeze(2)


def rotate(x: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """x [rows, heads, head_dim] turned by tables of `Rope.at`."""
    return torch.addcmul(x * cosines, x.roll(x.shape[-1] // 2, -1), sines)


def frequencies(config: RopeConfig, head_dim: int) -> torch.Tensor:
    """Radians per position, float32 [head_dim / 2]."""
    plain = 1.0 / config.theta ** (torch.arange(0, head_dim, 2).float() / head_dim)
    if config.factor <= 1:
        return plain

    def dimension(turns: float) -> float:
        """The pair of dimensions that turns so many times within the original context."""
        return head_dim * math.log(config.original_context / (turns * 2 * math.pi)) / (2 * math.log(config.theta))

    low, high = dimension(config.beta_fast), dimension(config.beta_slow)
    if config.truncate:
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, head_dim - 1)
    if low == high:
        high += 0.001
    stretched = ((torch.arange(head_dim // 2).float() - low) / (high - low)).clamp(0, 1)
    return plain / config.factor * stretched + plain * (1 - stretched)
