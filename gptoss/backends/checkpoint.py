"""The weights of a published checkpoint, read one tensor at a time.

Everything is checked when it is opened, from the files' headers alone: afterwards each tensor is known to be there, in
the shape that the config asks for. Names are those of `gptoss.backends.layouts`, whatever the files call them.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open

from gptoss.backends.config import ModelConfig
from gptoss.backends.files import CheckpointFiles
from gptoss.backends.layouts import HUGGINGFACE, ORIGINAL, Layout, Shape, dense_tensors, expert_tensors
from gptoss.backends.mxfp4 import GROUP, Mxfp4Matrix
from gptoss.engine.errors import CheckpointError

_FLOATS = ("BF16", "F16", "F32")
_SAMPLED_ROWS = 16


class Checkpoint:
    """An opened checkpoint. `config` is its geometry, `layout` the naming of its files, `bytes` their size in all.

    `written` changes whenever one of them is written anew: `fingerprint` sees only a sample of the weights.
    """

    def __init__(self, path: Path) -> None:
        """Open a folder, or a .safetensors file with its config beside it; CheckpointError says what is wrong."""
        self.path = path
        files = CheckpointFiles.locate(path)
        self.config = ModelConfig.load(files.config)
        self._exit = ExitStack()
        self._handles: dict[str, Any] = {}  # stored name -> the open file that holds it
        try:
            for shard in files.shards:
                self._open(shard)
            found = [shard.stat() for shard in files.shards]
            self.bytes = sum(status.st_size for status in found)
            self.written = " ".join(f"{status.st_size}-{status.st_mtime_ns}" for status in found)
            self.layout = self._recognise()
            self._check()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the files. Tensors that were read stay valid."""
        self._handles.clear()
        self._exit.close()

    def tensor(self, name: str) -> torch.Tensor:
        """A tensor that is no expert matrix, as it is stored, memory-mapped where the layout allows it."""
        parts = self.parts(name)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def parts(self, name: str) -> list[torch.Tensor]:
        """The same as the files divide it: one part, or several whose rows follow each other."""
        return [self._handles[part].get_tensor(part) for part in self.layout.parts(name)]

    def expert(self, name: str, expert: int) -> torch.Tensor | Mxfp4Matrix:
        """The matrix [out, in] of one expert; `name` ends in `mlp1_weight` or `mlp2_weight`."""
        (stored,) = self.layout.parts(name)
        if stored in self._handles:
            matrix: torch.Tensor = self._slice(stored)[expert]
            return matrix.T if self.layout.transposed else matrix
        blocks, scales = stored + self.layout.blocks, stored + self.layout.scales
        return Mxfp4Matrix(self._slice(blocks)[expert], self._slice(scales)[expert])

    def packed_experts(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """The matrices of all experts as MXFP4 stores them, if they are `packed`: blocks and scales of `Mxfp4Matrix`
        with the experts as their first dimension, memory-mapped."""
        (stored,) = self.layout.parts(name)
        blocks, scales = stored + self.layout.blocks, stored + self.layout.scales
        return self._handles[blocks].get_tensor(blocks), self._handles[scales].get_tensor(scales)

    @property
    def packed(self) -> bool:
        """Whether the experts are in MXFP4, which can stay where it is."""
        return all(self.layout.parts(name)[0] not in self._handles for name, _ in expert_tensors(self.config))

    @cached_property
    def fingerprint(self) -> str:
        """32 hex digits that equal weights and an equal geometry share, whatever the path, layout or packing.

        It covers the whole config, and of the weights up to 16 rows of each matrix and one of each expert's matrices,
        as float32: enough to tell training runs apart, and done in a fraction of a second at any size.
        """
        digest = hashlib.blake2b(msgspec.json.encode(self.config), digest_size=16)
        for values in self._sample():
            digest.update(values.float().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def _sample(self) -> Iterator[torch.Tensor]:
        for name, shape in dense_tensors(self.config):
            step = -(-shape[0] // _SAMPLED_ROWS)
            first = 0  # of the part's rows, within the whole tensor
            for part, (rows, *columns) in self._parts(name, shape):
                stored = self._slice(part)
                if columns:
                    yield from (stored[row] for row in range(-first % step, rows, step))
                else:
                    yield stored[:]
                first += rows
        for name, (experts, rows, _) in expert_tensors(self.config):
            for expert in range(experts):
                yield self._expert_row(name, expert, expert * 61 % rows)

    def _expert_row(self, name: str, expert: int, row: int) -> torch.Tensor:
        (stored,) = self.layout.parts(name)
        if stored in self._handles:
            matrix = self._slice(stored)
            values: torch.Tensor = matrix[expert, :, row] if self.layout.transposed else matrix[expert, row]
            return values
        blocks, scales = self._slice(stored + self.layout.blocks), self._slice(stored + self.layout.scales)
        return Mxfp4Matrix(blocks[expert, row], scales[expert, row]).dequantise()

    def _slice(self, stored: str) -> Any:
        return self._handles[stored].get_slice(stored)

    def _open(self, shard: Path) -> None:
        try:
            handle = self._exit.enter_context(safe_open(shard, framework="pt"))
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{shard} cannot be read as safetensors ({error}): it is damaged or incomplete, download it again"
            ) from error
        for stored in handle.keys():  # noqa: SIM118  (the handle is not iterable)
            self._handles[stored] = handle

    def _recognise(self) -> Layout:
        for layout in (ORIGINAL, HUGGINGFACE):
            if layout.parts("embedding.weight")[0] in self._handles:
                return layout
        raise CheckpointError(
            f"{self.path} holds no gpt-oss weights: its tensors are named neither OpenAI's nor Hugging Face's way"
        )

    def _check(self) -> None:
        for name, shape in dense_tensors(self.config):
            for part, expected in self._parts(name, shape):
                self._expect(part, expected, _FLOATS)
        for name, shape in expert_tensors(self.config):
            (stored,) = self.layout.parts(name)
            experts, rows, columns = shape
            if stored in self._handles:
                self._expect(stored, (experts, columns, rows) if self.layout.transposed else shape, _FLOATS)
            elif columns % GROUP:
                raise CheckpointError(
                    f"{self.path} lacks {stored}, and MXFP4 cannot hold it: {columns} is no multiple of {GROUP}"
                )
            else:
                groups = (experts, rows, columns // GROUP)
                self._expect(stored + self.layout.blocks, (*groups, GROUP // 2), ("U8",))
                self._expect(stored + self.layout.scales, groups, ("U8",))

    def _parts(self, name: str, shape: Shape) -> list[tuple[str, Shape]]:
        """What a dense tensor is called in the files, with the shape of each part."""
        parts = self.layout.parts(name)
        if len(parts) == 1:
            return [(parts[0], shape)]
        heads, kv_heads = self.config.num_attention_heads, self.config.num_key_value_heads
        rows = [count * self.config.head_dim for count in (heads, kv_heads, kv_heads)]
        return [(part, (count, *shape[1:])) for part, count in zip(parts, rows, strict=True)]

    def _expect(self, stored: str, shape: Shape, types: tuple[str, ...]) -> None:
        if stored not in self._handles:
            raise CheckpointError(f"{self.path} is incomplete: the tensor {stored} is missing, download it again")
        found = self._slice(stored)
        if tuple(found.get_shape()) != shape:
            raise CheckpointError(
                f"{self.path} does not fit its config.json: {stored} has the shape {list(found.get_shape())} "
                f"where {list(shape)} is needed"
            )
        if found.get_dtype() not in types:
            raise CheckpointError(
                f"{self.path} has {stored} as {found.get_dtype()}; gptoss reads {', '.join(types)} there"
            )
