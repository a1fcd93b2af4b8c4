"""Pages of files in this process's memory."""

import ctypes
import mmap
import sys
from functools import cache
from typing import Any

import torch


def let_go(tensor: torch.Tensor) -> None:
    """Take the pages of a mapped tensor, whole ones, out of this process's memory; whoever reads it again has it again.

    What the system keeps of the file stays there for other processes. Nothing happens where the system cannot do it.
    """
    if (library := _library()) is None or not tensor.numel():
        return
    last = sum((size - 1) * step for size, step in zip(tensor.shape, tensor.stride(), strict=True))
    start, end = tensor.data_ptr(), tensor.data_ptr() + (last + 1) * tensor.element_size()
    start, end = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE, end // mmap.PAGESIZE * mmap.PAGESIZE
    if start < end:
        library.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), ctypes.c_int(mmap.MADV_DONTNEED))


@cache
def _library() -> Any:
    """The C library, on Linux alone: elsewhere the same advice means something else."""
    return ctypes.CDLL(None) if sys.platform == "linux" else None
