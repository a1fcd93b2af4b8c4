"""The model on the compiled kernels: the same interface as `gptoss.backends.torch.model.Model`."""

import ctypes
from collections.abc import Sequence

import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.torch.cache import KVCache
from gptoss.backends.torch.native.kernels import LayerStruct, ModelStruct
from gptoss.backends.torch.rope import Rope

CPU = torch.device("cpu")


class NativeModel:
    """Weights are bfloat16, where the files' layout allows it in the files' own memory; the rest is float32."""

    device = CPU

    def __init__(self, checkpoint: Checkpoint, kernels: ctypes.CDLL) -> None:
        """Read the weights, one tensor at a time."""
        config = self.config = checkpoint.config
        self._kernels = kernels
        self._checkpoint = checkpoint
        self._held: list[torch.Tensor] = []  # what the structures point to
        self._rope = Rope(config.rope, config.head_dim, CPU)
        self._layers = (LayerStruct * config.num_hidden_layers)(*map(self._layer, range(config.num_hidden_layers)))
        self._model = ModelStruct(
            hidden=config.hidden_size,
            inner=config.intermediate_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            kv_heads=config.num_key_value_heads,
            head_dim=config.head_dim,
            experts=config.num_experts,
            per_token=config.experts_per_token,
            vocabulary=config.vocab_size,
            alpha=config.swiglu_alpha,
            limit=config.swiglu_limit,
            eps=config.rms_norm_eps,
            embedding=self._weights("embedding.weight"),
            norm=self._floats("norm.scale"),
            unembedding=self._weights("unembedding.weight"),
            layer=self._layers,
        )

    def new_cache(self) -> KVCache:
        config = self.config
        return KVCache(config.num_hidden_layers, config.num_key_value_heads, config.head_dim, torch.float32, CPU)

    def forward(self, ids: Sequence[int], cache: KVCache) -> torch.Tensor:
        """Compute the tokens that follow the cached ones, and add them to the cache: their last hidden states."""
        count, start = len(ids), len(cache.ids)
        cache.reserve(start + count)
        cosines, sines = self._rope.tables(start + count)
        offset = start * cosines.shape[1] * cosines.element_size()
        hidden = torch.empty(count, self.config.hidden_size)
        failed = self._kernels.forward(
            self._model,
            hidden.data_ptr(),
            (ctypes.c_int64 * count)(*ids),
            count,
            start,
            (ctypes.c_void_p * len(cache.layers))(*(layer.data_ptr() for layer in cache.layers)),
            cache.capacity,
            cosines.data_ptr() + offset,
            sines.data_ptr() + offset,
            torch.get_num_threads(),
        )
        if failed:
            raise MemoryError("there is not enough memory to compute the prompt")
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
        return result

    def _layer(self, n: int) -> LayerStruct:
        attention, mlp = f"block.{n}.attn", f"block.{n}.mlp"
        return LayerStruct(
            window=self.config.windows[n] or 0,
            attention_norm=self._floats(f"{attention}.norm.scale"),
            qkv=self._weights(f"{attention}.qkv.weight"),
            qkv_bias=self._floats(f"{attention}.qkv.bias"),
            sinks=self._floats(f"{attention}.sinks"),
            out=self._weights(f"{attention}.out.weight"),
            out_bias=self._floats(f"{attention}.out.bias"),
            experts_norm=self._floats(f"{mlp}.norm.scale"),
            router=self._weights(f"{mlp}.gate.weight"),
            router_bias=self._floats(f"{mlp}.gate.bias"),
            up=self._experts(f"{mlp}.mlp1_weight"),
            up_bias=self._floats(f"{mlp}.mlp1_bias"),
            down=self._experts(f"{mlp}.mlp2_weight"),
            down_bias=self._floats(f"{mlp}.mlp2_bias"),
        )

    def _weights(self, name: str) -> int:
        return self._hold(self._checkpoint.tensor(name).to(torch.bfloat16))

    def _floats(self, name: str) -> int:
        return self._hold(self._checkpoint.tensor(name).float())

    def _experts(self, name: str) -> int:
        matrices = (self._checkpoint.expert(name, expert) for expert in range(self.config.num_experts))
        unpacked = [m.dequantise() if isinstance(m, Mxfp4Matrix) else m.to(torch.bfloat16) for m in matrices]
        return self._hold(torch.stack(unpacked))

    def _hold(self, tensor: torch.Tensor) -> int:
        """The address of its values, which stay where they are as long as the model does."""
        self._held.append(tensor.contiguous())
        return self._held[-1].data_ptr()
