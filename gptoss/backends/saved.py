"""Keys and values in a file: what one process computed, for the next one.

A safetensors file. `ids` are the tokens, int32; `layer.N` is [2 * kv_heads, positions, head_dim], keys before values.
A layer with a window has the last positions only: those that the next tokens see, and `TAIL` more, so that a prompt may
part from the file within its last `TAIL` tokens. Earlier it may not: what a shorter prompt would see is not there.

The file is nothing but a cache. One that is damaged, cut short, of another model or not ours is as good as none.
"""

import json
import os
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from gptoss import __version__

TAIL = 128
"""Tokens at the end that a prompt may have otherwise."""

BLOCK = 16
"""Positions that stay together: within as many, a cache may lay its keys out as it likes."""

PATIENCE = 5.0
"""Seconds that writing may take: somebody wants to leave."""

_FORMAT = "gptoss keys and values 1"
_SUM = "crc32"
_KINDS = {torch.float32: "F32", torch.bfloat16: "BF16", torch.int32: "I32"}


class Saved(NamedTuple):
    """What a file keeps of `ids`; `layers` lie in the mapped file."""

    ids: list[int]
    layers: list[torch.Tensor]


def positions(tokens: int, window: int | None) -> range:
    """The positions that a file has on a layer with that window, for so many tokens: whole blocks."""
    first = 0 if window is None else max(0, tokens - TAIL - window)
    return range(first // BLOCK * BLOCK, -(-tokens // BLOCK) * BLOCK)


def write(
    file: Path,
    key: Mapping[str, str],
    ids: Sequence[int],
    layers: Sequence[torch.Tensor],
    windows: Sequence[int | None],
    most: int,
) -> bool:
    """Write the positions of `ids`, which `layers` [2 * kv_heads, capacity, head_dim] begin with, for its owner alone.

    The capacity is a multiple of `BLOCK`.

    False where nothing was written: it would take more than `most` bytes, or `PATIENCE`. OSError as the disk has it.
    """
    tensors = {"ids": torch.tensor(ids, dtype=torch.int32)}
    for n, (layer, window) in enumerate(zip(layers, windows, strict=True)):
        kept = positions(len(ids), window)
        tensors[f"layer.{n}"] = layer[:, kept.start : kept.stop]
    if sum(tensor.nbytes for tensor in tensors.values()) > most:
        return False
    end, total = time.monotonic() + PATIENCE, 0
    scratch = file.with_suffix(f".{os.getpid()}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(_header(key, tensors, total))
            for tensor in tensors.values():
                data = _bytes(tensor)
                out.write(data)
                total = zlib.crc32(data, total)
                if time.monotonic() > end:
                    return False
            out.seek(0)
            out.write(_header(key, tensors, total))
        scratch.replace(file)
    finally:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
    return True


def ids_in(file: Path, key: Mapping[str, str]) -> list[int]:
    """The tokens of a file with that key; none where there is no such file."""
    try:
        with safe_open(file, framework="pt") as opened:
            if not key.items() <= (opened.metadata() or {}).items():
                return []
            ids = opened.get_tensor("ids")
    except (OSError, SafetensorError, ValueError):
        return []
    return ids.tolist() if ids.dtype == torch.int32 and ids.dim() == 1 else []


def read(
    file: Path,
    key: Mapping[str, str],
    ids: Sequence[int],
    layers: Sequence[torch.Tensor],
    windows: Sequence[int | None],
) -> Saved | None:
    """What the file has of the beginning of `ids`, for layers such as these; None if it is of no use for them."""
    kept = ids_in(file, key)
    if not kept or kept != list(ids[: len(kept)]):
        return None
    try:
        with safe_open(file, framework="pt") as opened:
            total = (opened.metadata() or {}).get(_SUM)
            found = [opened.get_tensor(f"layer.{n}") for n in range(len(layers))]
    except (OSError, SafetensorError, ValueError):
        return None
    for tensor, layer, window in zip(found, layers, windows, strict=True):
        shape = layer.shape[0], len(positions(len(kept), window)), layer.shape[2]
        if tensor.shape != shape or tensor.dtype != layer.dtype:
            return None
    checked = 0
    for tensor in (torch.tensor(kept, dtype=torch.int32), *found):
        checked = zlib.crc32(_bytes(tensor), checked)
    return Saved(kept, found) if f"{checked:08x}" == total else None


def _header(key: Mapping[str, str], tensors: Mapping[str, torch.Tensor], total: int) -> bytes:
    """What a safetensors file begins with. As long with one sum as with another."""
    described: dict[str, object] = {"__metadata__": {**key, _SUM: f"{total:08x}"}}
    offset = 0
    for name, tensor in tensors.items():
        described[name] = {
            "dtype": _KINDS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + tensor.nbytes],
        }
        offset += tensor.nbytes
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(tensor: torch.Tensor) -> memoryview:
    return tensor.contiguous().cpu().view(torch.uint8).flatten().numpy().data


def key_of(fingerprint: str, written: str, arithmetic: str) -> dict[str, str]:
    """What must be the same for keys and values to be: the weights (see `Checkpoint`), what computes, and its code."""
    code = f"gptoss {__version__}, torch {torch.__version__}"
    return {"format": _FORMAT, "model": fingerprint, "written": written, "arithmetic": arithmetic, "release": code}
