"""From the small file that ships with gptoss to an ordinary checkpoint folder, once, in the user's cache.

The shipped file holds the model's layers, embeddings for the tokens that its training saw often, and one shared
embedding for each shape of all other words, which differ by their codes (`gptoss.backends.demo.codes`). The two full
matrices of 201,088 rows are computed from that: 154 MB. Neither torch nor another backend is needed, only numpy.
"""

import errno
import json
import os
import shutil
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from gptoss.engine.errors import CheckpointError
from gptoss.engine.progress import Progress, untold

SHIPPED = Path(__file__).with_name("demo.safetensors")
"""The weights in the wheel."""

NAME = "gptoss-demo"

FORMAT = "gptoss-demo-2"

_MATRICES = {"model.embed_tokens.weight": "embed_tokens", "lm_head.weight": "lm_head"}


class Tensor(Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data: memoryview


def materialise(cache: Path, progress: Progress = untold, *, shipped: Path = SHIPPED) -> Path:
    """The folder of the demonstration checkpoint below `cache`, made if it is not there yet; `progress` is told after
    every piece.

    Its name carries a digest of the shipped file, so a new release makes a new one. Several processes may do this at
    once: each writes a folder of its own, and the first rename wins. CheckpointError says what to do when there is no
    room or no permission.
    """
    try:
        data = shipped.read_bytes()
    except OSError as error:
        raise CheckpointError(
            f"the demonstration model is missing from this installation ({shipped}): "
            "install gptoss again, or name a checkpoint"
        ) from error
    folder = cache / f"{NAME}-{blake2b(data, digest_size=8).hexdigest()}"
    if (folder / "model.safetensors").is_file():
        return folder
    metadata, tensors = _read(data, shipped)
    scratch = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=cache))
        for name in ("config", "generation_config"):
            text = json.dumps(json.loads(metadata[name]), indent=2) + "\n"
            (scratch / f"{name}.json").write_text(text, encoding="utf-8")
        with (scratch / "model.safetensors").open("wb") as file:
            _write(file, tensors, progress)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(0o755)
        try:
            scratch.rename(folder)
        except OSError:
            if not (folder / "model.safetensors").is_file():  # otherwise another process was first
                raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CheckpointError(
                f"no room to unpack the demonstration model: free 160 MB on the disk of {cache}, or name a checkpoint"
            ) from error
        raise CheckpointError(
            f"cannot unpack the demonstration model into {cache}: {error.strerror or error}; "
            "make that folder writable, or name a checkpoint"
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _read(data: bytes, path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The metadata and tensors of a safetensors file (https://github.com/huggingface/safetensors)."""
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        metadata = header.pop("__metadata__")
        known = metadata["format"] == FORMAT
        body = memoryview(data)[8 + length :]
        tensors = {
            name: Tensor(entry["dtype"], tuple(entry["shape"]), body[slice(*entry["data_offsets"])])
            for name, entry in header.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is damaged: install gptoss again, or name a checkpoint") from error
    if not known:
        raise CheckpointError(f"{path} is of another release: install gptoss again, or name a checkpoint")
    return metadata, tensors


def _write(file: BinaryIO, tensors: dict[str, Tensor], progress: Progress) -> None:
    """A safetensors file of the layers as they are and the two matrices."""
    from gptoss.backends.demo.matrices import matrix  # numpy, which nobody should wait for who has it all already

    layers = {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}
    vocabulary = tensors["shared.shape"].shape[0]
    hidden = tensors["rows.embed_tokens"].shape[1]
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    size = 0

    def entry(name: str, dtype: str, shape: tuple[int, ...], length: int) -> None:
        nonlocal size
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": (size, size + length)}
        size += length

    # Matrices first: their offsets are then multiples of any type's size.
    for name in _MATRICES:
        entry(name, "BF16", (vocabulary, hidden), vocabulary * hidden * 2)
    ordered = sorted(layers, key=lambda name: (layers[name].dtype != "BF16", name))
    for name in ordered:
        entry(name, layers[name].dtype, layers[name].shape, len(layers[name].data))
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    written = file.write(len(head).to_bytes(8, "little") + head)
    size += written
    for name in _MATRICES.values():
        for piece in matrix(tensors, name):
            written += file.write(piece)
            progress(written, size)
    for name in ordered:
        written += file.write(layers[name].data)
    progress(written, size)
