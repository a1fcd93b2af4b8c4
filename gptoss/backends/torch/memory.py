"""Whether a model fits into memory: asked before loading, since the system kills a process that asks for too much."""

from pathlib import Path

import torch

from gptoss.backends.config import ModelConfig
from gptoss.backends.layouts import dense_tensors, expert_tensors

_MEMINFO = Path("/proc/meminfo")


def needed(config: ModelConfig, dtype: torch.dtype) -> int:
    """The bytes of all weights; experts are unpacked."""
    shapes = [shape for tensors in (dense_tensors(config), expert_tensors(config)) for _, shape in tensors]
    return sum(torch.Size(shape).numel() for shape in shapes) * dtype.itemsize


def available(meminfo: Path = _MEMINFO) -> int | None:
    """The bytes that can be had without swapping; None where the system does not say."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)
