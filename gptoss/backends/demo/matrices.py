"""The full matrices of the demonstration model, computed from what ships."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gptoss.backends.demo.codes import PIECES, WIDTH, codes, codes_of_pieces
from gptoss.backends.demo.materialise import Tensor

_PIECE = 1 << 22


def matrix(tensors: dict[str, Tensor], name: str) -> Iterator[bytes]:
    """The rows of a full matrix as bf16, some at a time."""
    shape = np.frombuffer(tensors["shared.shape"].data, np.uint8)
    ids = np.frombuffer(tensors["rows.ids"].data, np.int32)
    hidden = tensors[f"rows.{name}"].shape[1]
    own = np.frombuffer(tensors[f"rows.{name}"].data, np.uint16).reshape(-1, hidden)
    shared = np.frombuffer(tensors[f"shared.{name}"].data, np.float32).reshape(-1, hidden)
    scale = np.frombuffer(tensors[f"code.{name}"].data, np.float32)
    code = codes(len(shape))
    words = np.frombuffer(tensors["pieces.ids"].data, np.int32)
    spelling = _pieces(tensors["pieces.spelling"])
    step = _PIECE // (2 * hidden)
    for first in range(0, len(shape), step):
        rows = shared[shape[first : first + step]]
        rows[:, :WIDTH] += code[first : first + step] * scale[0]
        if name == "embed_tokens":
            these = (words >= first) & (words < first + step)
            rows[words[these] - first, WIDTH : (1 + PIECES) * WIDTH] += (
                codes_of_pieces(code, spelling[these]) * scale[1]
            )
        bf16 = _bf16(rows)
        here = (ids >= first) & (ids < first + step)
        bf16[ids[here] - first] = own[here]
        yield bf16.tobytes()


def _pieces(tensor: Tensor) -> NDArray[np.int32]:
    """int32 [words, 2] of ids that are stored in three bytes, little-endian."""
    low = np.frombuffer(tensor.data, np.uint8).reshape(*tensor.shape).astype(np.int32)
    return low[..., 0] | low[..., 1] << 8 | low[..., 2] << 16


def _bf16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The bits of the nearest bf16 numbers, ties to even."""
    bits = values.view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)
