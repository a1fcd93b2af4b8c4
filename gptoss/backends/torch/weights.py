"""From a checkpoint to a model, one tensor at a time: what was read is given back before the next one is."""

import torch

from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.parallel.shard import Shard
from gptoss.backends.torch import int8
from gptoss.backends.torch.experts import Experts
from gptoss.backends.torch.linear import DenseLinear, HalfLinear, Linear, linear
from gptoss.backends.torch.model import Block, Model, Norm
from gptoss.backends.torch.rope import Rope
from gptoss.backends.torch.rows import padding


def load_model(
    shard: Shard, device: torch.device, dtype: torch.dtype, group: Group = ALONE, *, narrow: bool = False
) -> Model:
    """The model with its weights as `dtype` (bfloat16 or float32) on `device`; or the part of a rank of `group`.

    `narrow` rounds what every token reads whole to 8 bits, as `NativeModel` does.
    """
    return _Loader(shard, device, dtype, group, narrow).model()


class _Loader:
    def __init__(self, shard: Shard, device: torch.device, dtype: torch.dtype, group: Group, narrow: bool) -> None:
        self.shard = shard
        self.narrow = narrow
        self.group = group
        self.config = shard.config
        self.device = device
        self.dtype = dtype
        self.cache_dtype = torch.float32 if device.type == "cpu" else dtype
        self.pad = padding(device, dtype)

    def model(self) -> Model:
        return Model(
            plan=self.shard.plan,
            group=self.group,
            device=self.device,
            cache_dtype=self.cache_dtype,
            pad=self.pad,
            embedding=self._tensor("embedding.weight"),
            blocks=[self._block(n) for n in range(self.config.num_hidden_layers)],
            norm=self._norm("norm.scale"),
            unembedding=self._read_whole(self._tensor("unembedding.weight"), None),
            rope=Rope(self.config.rope, self.config.head_dim, self.device),
        )

    def _block(self, n: int) -> Block:
        config = self.config
        attention, mlp = f"block.{n}.attn", f"block.{n}.mlp"
        return Block(
            window=config.windows[n],
            attention_norm=self._norm(f"{attention}.norm.scale"),
            qkv=self._read_whole(*self._tensors(f"{attention}.qkv")),
            sinks=self._tensor(f"{attention}.sinks").float(),
            out=self._read_whole(*self._tensors(f"{attention}.out")),
            experts_norm=self._norm(f"{mlp}.norm.scale"),
            experts=Experts(
                router=linear(*self._tensors(f"{mlp}.gate")),
                up=self._experts(f"{mlp}.mlp1", gates_first=True),
                down=self._experts(f"{mlp}.mlp2", gates_first=False),
                per_token=config.experts_per_token,
                alpha=config.swiglu_alpha,
                limit=config.swiglu_limit,
                pad=self.pad,
            ),
        )

    def _tensor(self, name: str) -> torch.Tensor:
        return self.shard.tensor(name).to(device=self.device, dtype=self.dtype)

    def _norm(self, name: str) -> Norm:
        return Norm(self._tensor(name).float(), self.config.rms_norm_eps)

    def _tensors(self, name: str) -> tuple[torch.Tensor, torch.Tensor]:
        return self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias")

    def _read_whole(self, weight: torch.Tensor, bias: torch.Tensor | None) -> Linear:
        """A matrix that every token reads whole: rounded to 8 bits if asked for, and its rows have whole groups."""
        if not self.narrow or weight.shape[1] % int8.GROUP:
            return linear(weight, bias)
        weight = int8.rounded(weight)
        if HalfLinear.is_available() and HalfLinear.suits(weight):
            return HalfLinear(weight, bias)
        return DenseLinear(weight, bias)

    def _experts(self, name: str, gates_first: bool) -> list[Linear]:
        biases = self._tensor(f"{name}_bias")
        experts = []
        for expert, bias in enumerate(biases):
            matrix = self.shard.expert(f"{name}_weight", expert)
            weight = matrix.dequantise() if isinstance(matrix, Mxfp4Matrix) else matrix
            weight = weight.to(device=self.device, dtype=self.dtype)
            if gates_first:
                weight, bias = _gates_first(weight), _gates_first(bias)
            experts.append(linear(weight.contiguous(), bias))
        return experts


def _gates_first(rows: torch.Tensor) -> torch.Tensor:
    """Rows that alternate between gate and up, sorted into all gates and then all ups."""
    return torch.cat((rows[0::2], rows[1::2]))
