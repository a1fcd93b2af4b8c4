"""The GPU that computes: which one, and what it has room for."""

from pathlib import Path

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.triton.kernels.product import INTERPRETED
from gptoss.backends.triton.tiles import FEW_PROGRAMS, LITTLE_SHARED, Division
from gptoss.engine.errors import BackendError

CHUNK, LEAST_CHUNK = 16384, 1024
"""Prompt tokens computed at a time, between two looks at `cancelled`: a quarter of a second of a 20b on a Hopper; and
where more would not leave room for keys and values."""

BYTES_PER_WIDTH = 50
"""Memory that a prompt takes for a token while it is computed, per element of its hidden state (measured: 47 to 50)."""


def find(device: str) -> torch.device:
    """The GPU that "auto", "cuda" or "cuda:N" names; BackendError says what would work instead."""
    if INTERPRETED:
        return torch.device("cpu")
    instead = "use --backend torch"
    place = torch.device("cuda" if device == "auto" else device)
    if place.type != "cuda" or not torch.cuda.is_available():
        raise BackendError(f"the triton backend needs an NVIDIA GPU, and there is none that PyTorch can use: {instead}")
    if (place.index or 0) >= torch.cuda.device_count():
        raise BackendError(f'there is no device "{place}" here: {instead}, or name a device that is there')
    place = torch.device("cuda", torch.cuda.current_device() if place.index is None else place.index)
    if torch.cuda.get_device_capability(place) < (8, 0):
        raise BackendError(f"{name(place)} is too old for the triton backend, which needs Ampere or later: {instead}")
    return place


def check_memory(path: Path, needed: int, place: torch.device) -> None:
    """BackendError if a checkpoint of so many bytes does not fit."""
    free, _ = torch.cuda.mem_get_info(place)
    if needed > free:
        raise BackendError(
            f"{path} needs {needed / 1e9:.1f} GB on {name(place)}, which has {free / 1e9:.1f} GB free: "
            "use a larger GPU, several with torchrun, or --backend torch on the CPU"
        )


def chunk(config: ModelConfig, place: torch.device, ranks: int = 1) -> int:
    """Prompt tokens that are computed at a time, beside a model that is on the card already.

    Other pieces give other last bits: so it is always the same for a model on such a card, and on all ranks.
    """
    if ranks > 1 or place.type == "cpu":
        return CHUNK // 2
    tokens = CHUNK if roomy(torch.cuda.get_device_capability(place)) else CHUNK // 2
    room = torch.cuda.get_device_properties(place).total_memory - torch.cuda.memory_allocated(place)
    while tokens > LEAST_CHUNK and tokens * config.hidden_size * BYTES_PER_WIDTH > room // 4:
        tokens //= 2
    return tokens


def division(place: torch.device) -> Division:
    """How the kernels divide their work there."""
    if place.type == "cpu":
        return FEW_PROGRAMS
    return Division() if roomy(torch.cuda.get_device_capability(place)) else LITTLE_SHARED


def roomy(capability: tuple[int, int]) -> bool:
    """Whether programs have 227 KB of shared memory, as on Hopper and on Blackwell for data centres; others have 99 to
    163."""
    return capability[0] in (9, 10)


def dependent(place: torch.device) -> bool:
    """Whether a kernel can be launched while the one before it runs: on Hopper and later."""
    return place.type == "cuda" and torch.cuda.get_device_capability(place) >= (9, 0)


def name(place: torch.device) -> str:
    return torch.cuda.get_device_name(place)
