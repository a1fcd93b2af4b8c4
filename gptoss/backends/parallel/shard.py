"""One rank's part of a checkpoint, read as if it were the checkpoint of a smaller model.

What is read are views of the mapped files where the part is one piece of a tensor, and copies where it is not: a rank
has no more than its part in memory.
"""

from pathlib import Path

import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.config import ModelConfig
from gptoss.backends.mxfp4 import GROUP, Mxfp4Matrix
from gptoss.backends.parallel.mapped import let_go
from gptoss.backends.parallel.plan import Plan, plan
from gptoss.engine.progress import Progress, untold


class Shard:
    """The same tensors by the same names as in `Checkpoint`, in the shapes of `config`, the geometry of the part.

    What the ranks' results are summed with only once (the biases of the attention's output and of the experts' second
    matrices) is 0 on all ranks but the first.
    """

    def __init__(self, checkpoint: Checkpoint, part: Plan, progress: Progress = untold) -> None:
        """`progress` is told how many bytes were read, and how many there are."""
        self._checkpoint = checkpoint
        self._progress = progress
        self._read = 0
        self.plan = part
        self.config: ModelConfig = part.config

    @property
    def path(self) -> Path:
        return self._checkpoint.path

    @property
    def packed(self) -> bool:
        return self._checkpoint.packed

    def tensor(self, name: str) -> torch.Tensor:
        """See `Checkpoint.tensor`."""
        parts = self.parts(name)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def parts(self, name: str) -> list[torch.Tensor]:
        """See `Checkpoint.parts`; queries, keys and values are always three."""
        plan, stored = self.plan, self._checkpoint.parts(name)
        self._tell(*stored)
        if ".attn.qkv." in name:
            return self._qkv(stored)
        (tensor,) = stored
        match name.split(".", 2)[-1]:
            case "weight":
                return [_cut(tensor, plan.tokens)]
            case "attn.sinks":
                return [_cut(tensor, plan.heads)]
            case "attn.out.weight":
                return [_cut(tensor, self._wide(plan.heads), 1)]
            case "mlp.mlp1_bias":
                return [_cut(tensor, _doubled(plan.inner), 1)]
            case "attn.out.bias" | "mlp.mlp2_bias":
                return [tensor if plan.leads else torch.zeros_like(tensor)]
        return [tensor]

    def expert(self, name: str, expert: int) -> torch.Tensor | Mxfp4Matrix:
        """See `Checkpoint.expert`."""
        matrix, inner = self._checkpoint.expert(name, expert), self.plan.inner
        self._tell(*((matrix.blocks, matrix.scales) if isinstance(matrix, Mxfp4Matrix) else (matrix,)))
        if name.endswith("mlp1_weight"):
            rows = _doubled(inner)
            if isinstance(matrix, Mxfp4Matrix):
                return Mxfp4Matrix(_cut(matrix.blocks, rows), _cut(matrix.scales, rows))
            return _cut(matrix, rows)
        if isinstance(matrix, Mxfp4Matrix):
            groups = range(inner.start // GROUP, inner.stop // GROUP)
            return Mxfp4Matrix(_cut(matrix.blocks, groups, 1), _cut(matrix.scales, groups, 1))
        return _cut(matrix, inner, 1)

    def packed_experts(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Checkpoint.packed_experts`."""
        blocks, scales = self._checkpoint.packed_experts(name)
        self._tell(blocks, scales)
        inner = self.plan.inner
        if name.endswith("mlp1_weight"):
            return _cut(blocks, _doubled(inner), 1), _cut(scales, _doubled(inner), 1)
        groups = range(inner.start // GROUP, inner.stop // GROUP)
        return _cut(blocks, groups, 2), _cut(scales, groups, 2)

    def _tell(self, *read: torch.Tensor) -> None:
        self._read += sum(tensor.nbytes for tensor in read)
        self._progress(self._read, self._checkpoint.bytes)

    def _qkv(self, stored: list[torch.Tensor]) -> list[torch.Tensor]:
        plan, whole = self.plan, self.plan.whole
        if len(stored) == 1:
            counts = whole.num_attention_heads, whole.num_key_value_heads, whole.num_key_value_heads
            stored = list(stored[0].split([count * whole.head_dim for count in counts]))
        heads = plan.heads, plan.kv_heads, plan.kv_heads
        return [_cut(part, self._wide(some)) for part, some in zip(stored, heads, strict=True)]

    def _wide(self, heads: range) -> range:
        return range(heads.start * self.config.head_dim, heads.stop * self.config.head_dim)


def whole(checkpoint: Checkpoint) -> Shard:
    """All of it, for a process on its own."""
    return Shard(checkpoint, plan(checkpoint.config, 0, 1))


def _cut(tensor: torch.Tensor, part: range, dim: int = 0) -> torch.Tensor:
    """Part of a mapped tensor: still mapped where that is one piece of the file, or else copied out of it."""
    cut = tensor.narrow(dim, part.start, len(part))
    if dim == 0 or cut.shape == tensor.shape:
        return cut
    cut = cut.contiguous()
    let_go(tensor)  # the other ranks' parts lie in between, and are in this process's memory now
    return cut


def _doubled(inner: range) -> range:
    """Gate and up rows alternate."""
    return range(2 * inner.start, 2 * inner.stop)
