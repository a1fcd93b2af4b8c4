"""The model on the kernels: the same interface as `gptoss.backends.torch.model.Model`."""

import ctypes
import mmap
from collections.abc import Callable, Sequence
from contextlib import suppress

import torch

from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.parallel.mapped import let_go
from gptoss.backends.parallel.shard import Shard
from gptoss.backends.torch import int8
from gptoss.backends.torch.cache import KVCache
from gptoss.backends.torch.native import kernels
from gptoss.backends.torch.native.kernels import Layer, Matrix
from gptoss.backends.torch.rope import Rope
from gptoss.backends.torch.stopping import Stopped
from gptoss.engine.ports import Cancelled

_SUMS = 16
"""Keys that lie side by side in the cache, and what the width of its heads is a multiple of."""

_KINDS = {torch.float32: kernels.FLOAT32, torch.bfloat16: kernels.BFLOAT16}


class NativeModel:
    """Weights as they are stored, where the files' layout allows it in the files' own memory; the rest is float32.

    As in the files they are in `dtype`, bfloat16 or float32, except that bfloat16 and MXFP4 need no widening.
    """

    device = torch.device("cpu")

    def __init__(
        self,
        shard: Shard,
        dtype: torch.dtype,
        instructions: str | None = None,
        group: Group = ALONE,
        *,
        narrow: bool = False,
    ) -> None:
        """Read the weights, one tensor at a time. `instructions` as in `kernels.instructions`; kernels.Unavailable.

        `narrow` keeps what every token reads whole in 8 bits (`gptoss.backends.torch.int8`), in memory of its own.
        """
        self.instructions = kernels.instructions(instructions)
        self._kernels = kernels.load(self.instructions, exact=dtype == torch.float32)
        self.config = config = shard.config
        self._plan = shard.plan
        self._group = group
        self._shard = shard
        self._sum = kernels.Sum(self._summed) if group.size > 1 else kernels.Sum()
        self._failure: BaseException | None = None
        self._dtype = dtype
        self._narrow = narrow
        self._held: list[object] = []  # what the structures point to
        self._rope = Rope(config.rope, config.head_dim, self.device)
        self._layers = (Layer * config.num_hidden_layers)(*map(self._layer, range(config.num_hidden_layers)))
        self._model = kernels.Model(
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=config.head_dim,
            experts=config.num_experts,
            per_token=config.experts_per_token,
            alpha=config.swiglu_alpha,
            limit=config.swiglu_limit,
            eps=config.rms_norm_eps,
            first=self._plan.tokens.start,
            sum=self._sum,
            embedding=self._matrix("embedding.weight"),
            norm=self._floats("norm.scale"),
            unembedding=self._read_whole(self._shard.tensor("unembedding.weight"), None),
            layer=self._layers,
        )
        del self._shard

    def new_cache(self) -> KVCache:
        config, wide = self.config, -(-self.config.head_dim // _SUMS) * _SUMS
        return KVCache(config.num_hidden_layers, config.num_key_value_heads, wide, torch.float32, self.device)

    def forward(self, ids: Sequence[int], cache: KVCache, cancelled: Cancelled | None = None) -> torch.Tensor:
        """Compute the tokens that follow the cached ones, and add them to the cache: their last hidden states.

        Stopped once `cancelled`, which is asked before each layer; not where others compute along, who would wait.
        """
        count, start = len(ids), len(cache.ids)
        cache.reserve(start + count)
        cosines, sines = self._rope.tables_for(start + count)
        hidden = torch.empty(count, self.config.hidden_size)
        offset = start * self.config.head_dim
        half = self.config.head_dim // 2  # the sines' first half is negative
        failed = self._kernels.forward(
            self._model,
            hidden.data_ptr(),
            (ctypes.c_int64 * count)(*ids),
            count,
            start,
            (ctypes.c_void_p * len(cache.layers))(*(layer.data_ptr() for layer in cache.layers)),
            cache.capacity,
            cosines.data_ptr() + offset * cosines.element_size(),
            sines.data_ptr() + (offset + half) * sines.element_size(),
            torch.get_num_threads(),
            kernels.Stop(self._asking(cancelled)) if cancelled and self._group.size == 1 else kernels.Stop(),
        )
        if failed:
            failure, self._failure = self._failure, None
            raise failure or MemoryError("there is not enough memory to compute the prompt")
        cache.ids.extend(ids)
        return hidden

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """float32 [tokens, vocab_size]."""
        hidden = hidden.contiguous()
        result = torch.empty(len(hidden), self.config.vocab_size)
        if self._kernels.logits(
            self._model, result.data_ptr(), hidden.data_ptr(), len(hidden), torch.get_num_threads()
        ):
            raise MemoryError("there is not enough memory to compute the logits")
        return self._group.gather(result, self._plan.whole.vocab_size)

    def _asking(self, cancelled: Cancelled) -> Callable[[], int]:
        """What the kernels call. What cannot be raised through them is as soon as they have returned."""

        def stop() -> int:
            try:
                if cancelled():
                    self._failure = Stopped()
            except BaseException as error:  # noqa: BLE001
                self._failure = error
            return self._failure is not None

        return stop

    def _summed(self, address: int, count: int) -> int:
        """What the kernels call: so many floats of all ranks, summed in place. Nothing can be raised through them."""
        try:
            x = torch.frombuffer((ctypes.c_float * count).from_address(address), dtype=torch.float32)
            x.copy_(self._group.sum(x))
        except BaseException as error:  # noqa: BLE001  it is raised as soon as they have returned
            self._failure = error
            return 1
        return 0

    def _layer(self, n: int) -> Layer:
        config = self.config
        attention, mlp = f"block.{n}.attn", f"block.{n}.mlp"
        return Layer(
            window=config.windows[n] or 0,
            attention_norm=self._floats(f"{attention}.norm.scale"),
            qkv=(Matrix * 3)(*self._qkv(f"{attention}.qkv")),
            sinks=self._floats(f"{attention}.sinks"),
            out=self._read_whole(self._shard.tensor(f"{attention}.out.weight"), self._floats(f"{attention}.out.bias")),
            experts_norm=self._floats(f"{mlp}.norm.scale"),
            router=self._matrix(f"{mlp}.gate.weight", f"{mlp}.gate.bias"),
            up=self._experts(f"{mlp}.mlp1"),
            down=self._experts(f"{mlp}.mlp2"),
        )

    def _floats(self, name: str) -> int:
        return self._hold(self._shard.tensor(name).float())

    def _matrix(self, weight: str, bias: str | None = None) -> Matrix:
        return self._dense(self._shard.tensor(weight), self._floats(bias) if bias else None)

    def _qkv(self, name: str) -> list[Matrix]:
        """A matrix for each of the parts that the files may have it in, so that they stay where they are."""
        config = self.config
        sizes = [config.num_attention_heads * config.head_dim] + 2 * [config.num_key_value_heads * config.head_dim]
        biases = self._shard.tensor(f"{name}.bias").float().split(sizes)
        weights = self._shard.parts(f"{name}.weight")
        if len(weights) == 1:
            weights = list(weights[0].split(sizes))
        return [self._read_whole(weight, self._hold(bias)) for weight, bias in zip(weights, biases, strict=True)]

    def _experts(self, name: str) -> "ctypes.Array[Matrix]":
        biases = self._shard.tensor(f"{name}_bias").float()
        matrices = (Matrix * self.config.num_experts)()
        for expert, bias in enumerate(biases):
            weight = self._shard.expert(f"{name}_weight", expert)
            if isinstance(weight, Mxfp4Matrix):
                rows, groups, _ = weight.blocks.shape
                blocks, scales = self._hold(weight.blocks), self._hold(weight.scales)
                matrices[expert] = Matrix(blocks, scales, self._hold(bias), rows, groups * 32, kernels.MXFP4)
            else:
                matrices[expert] = self._dense(weight, self._hold(bias))
        self._held.append(matrices)
        return matrices

    def _read_whole(self, weight: torch.Tensor, bias: int | None) -> Matrix:
        """A matrix that every token reads whole: in 8 bits if asked for, and its rows have whole groups."""
        out, inner = weight.shape
        if not self._narrow or inner % int8.GROUP:
            return self._dense(weight, bias)
        wide = self._readable(weight).contiguous()
        matrix = Matrix(wide.data_ptr(), None, None, out, inner, _KINDS[wide.dtype])
        address = self._hold(_memory(int8.size(out, inner)))
        self._kernels.lay_bricks(matrix, address, torch.get_num_threads())
        let_go(weight)
        return Matrix(address, None, bias, out, inner, kernels.INT8)

    def _dense(self, weight: torch.Tensor, bias: int | None) -> Matrix:
        weight = self._readable(weight)
        out, inner = weight.shape
        return Matrix(self._hold(weight), None, bias, out, inner, _KINDS[weight.dtype])

    def _readable(self, weight: torch.Tensor) -> torch.Tensor:
        return weight if weight.dtype == torch.bfloat16 else weight.to(self._dtype)

    def _hold(self, tensor: torch.Tensor) -> int:
        """The address of its values, which stay where they are as long as the model does."""
        tensor = tensor.contiguous()
        self._held.append(tensor)
        return tensor.data_ptr()


def _memory(size: int) -> torch.Tensor:
    """So many bytes, in large pages where the system has them: a core reads those faster."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.uint8)
