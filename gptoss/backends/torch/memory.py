"""The process's memory: whether a model fits, and keeping what is needed again at once."""

import ctypes
import sys
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
    """The bytes that can be had without swapping; None where the system does not say.

    Asked before loading, since the system kills a process that asks for too much.
    """
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def keep_freed() -> None:
    """Keep up to 256 MB of freed memory in the process, where the C library is glibc.

    Otherwise every token's logits are given back to the system and fetched again, page by page: hundreds of faults a
    token, which take a millisecond or two.
    """
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of <malloc.h>
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(trim_threshold, 256 << 20)
            mallopt(mmap_threshold, 64 << 20)
