"""The `TokenGenerator` port over the PyTorch model."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.one_answer import OneAnswer
from gptoss.backends.parallel.group import ALONE, Group
from gptoss.backends.parallel.plan import plan
from gptoss.backends.parallel.shard import Shard
from gptoss.backends.parameters import most_tokens
from gptoss.backends.sampling import check, draw
from gptoss.backends.saved import key_of
from gptoss.backends.torch import int8, memory
from gptoss.backends.torch.cache import KVCache
from gptoss.backends.torch.model import Model
from gptoss.backends.torch.native.kernels import Unavailable
from gptoss.backends.torch.native.model import NativeModel
from gptoss.backends.torch.scoring import scored
from gptoss.backends.torch.stopping import Stopped
from gptoss.backends.torch.threads import threads_for
from gptoss.backends.torch.weights import load_model
from gptoss.engine.errors import BackendError, GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk, TokenScore
from gptoss.engine.progress import Progress, untold
from gptoss.engine.settings import Sampling

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}

CHUNK = {"cpu": 256, "cuda": 1024}
"""Prompt tokens computed at a time; `cancelled` is asked before each layer."""

AHEAD = {"cpu": 32, "cuda": 1024}
"""The same while nobody waits for the prompt, and all of it is kept: whoever comes waits for little."""

SCORED_ROWS = 48
"""Positions whose logits are in memory at a time while scoring."""


class TorchGenerator(OneAnswer):
    """A checkpoint on a CPU or a CUDA GPU.

    Of several ranks each has one, and all must be asked the same at the same time.
    """

    name = "torch"
    _cache: KVCache

    def __init__(
        self,
        path: Path,
        *,
        device: str = "auto",
        dtype: str = "bfloat16",
        kernels: str | None = None,
        dense: str | None = None,
        group: Group = ALONE,
        progress: Progress = untold,
    ) -> None:
        """Load a checkpoint. `device` is "auto", "cpu", "cuda" or "cuda:N"; `dtype` "bfloat16" or "float32".

        `kernels` names the instruction set of the native kernels on a CPU, or is "none"; by default it is what the
        environment says, or the fastest. `dense` says how what every token reads whole is kept, "stored" or on a CPU
        "int8"; by default it is what the environment says, or "stored". `arithmetic` says afterwards what computes.
        `group` are the ranks that share the model; where it has a device, "auto" is that. `progress` is told the bytes
        that were read.
        CheckpointError or BackendError says what stands in the way.
        """
        if dtype not in DTYPES:
            raise BackendError(f'the torch backend computes in {" or ".join(DTYPES)}, not in "{dtype}"')
        narrow = int8.wanted(dense)
        place = group.device if device == "auto" and group.device is not None else _device(device)
        checkpoint = Checkpoint(path)
        try:
            shard = Shard(checkpoint, plan(checkpoint.config, group.rank, group.size), progress)
            self.fingerprint, written = checkpoint.fingerprint, checkpoint.written
            if place.type == "cpu":
                memory.keep_freed()
            with torch.inference_mode():
                self._model, self.arithmetic = _load(shard, group, place, DTYPES[dtype], kernels, narrow)
        except torch.OutOfMemoryError as error:
            raise BackendError(
                f"{path} does not fit the memory of {place}: choose another device or backend"
            ) from error
        finally:
            checkpoint.close()
        super().__init__(checkpoint.config, AHEAD[place.type])
        self._cache = self._model.new_cache()
        self._key = key_of(self.fingerprint, written, f"{self.arithmetic}, {dtype}")

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`; parameters that mean nothing raise UsageError."""
        check(sampling)
        ids = self._checked(prompt)
        left = most_tokens(sampling, self.max_context - len(ids))
        answer = self._begin()

        # The last token is always computed: its logits are what the first new token is drawn from.
        done = kept = self._cache.keep(ids[:-1])
        while done < len(ids):
            if cancelled():
                return
            end = min(done + CHUNK[self._model.device.type], len(ids))
            try:
                logits = self._next_logits(ids[done:end], cancelled)
            except Stopped:
                return
            yield TokenChunk(prefilled=end - done, cached=kept if done == kept else 0)
            self._still(answer)
            done = end
        while left and not cancelled():
            with threads_for(self._vocabulary):
                token = draw(logits, sampling, position=len(ids))
            ids.append(token)
            left -= 1
            logprobs = (_logprob(logits, token),) if sampling.logprobs else None
            yield TokenChunk(ids=(token,), logprobs=logprobs)
            self._still(answer)
            if token in stop_ids or not left or cancelled():
                return
            logits = self._next_logits([token])

    @torch.inference_mode()
    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """See `gptoss.engine.ports.TokenGenerator`."""
        ids = self._checked(ids) if ids else []
        self._begin()
        scores: list[TokenScore] = []
        # A token is scored by the logits of the one before it; what the cache has of the tokens before that is reused.
        done = self._cache.keep(ids[: start - 1])
        while done < len(ids) - 1:
            part = ids[done : min(done + CHUNK[self._model.device.type], len(ids) - 1)]
            hidden = self._forward(part)
            for begin in range(max(start - 1 - done, 0), len(part), SCORED_ROWS):
                rows = hidden[begin : begin + SCORED_ROWS]
                targets = ids[done + begin + 1 :][: len(rows)]
                scores += scored(self._logits(rows), targets)
            done += len(part)
        return scores

    def close(self) -> None:
        """Give the memory back; the generator is of no use afterwards."""
        self.__dict__.pop("_model", None)
        self.__dict__.pop("_cache", None)

    @torch.inference_mode()
    def _next_logits(self, ids: Sequence[int], cancelled: Cancelled | None = None) -> torch.Tensor:
        """Compute `ids` on top of the cache: the float32 logits [vocabulary] of the token after them; or Stopped."""
        return self._logits(self._forward(ids, cancelled)[-1:])[0]

    def _forward(self, ids: Sequence[int], cancelled: Cancelled | None = None) -> torch.Tensor:
        with self._failing():
            return self._model.forward(ids, self._cache, cancelled)

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        with self._failing():
            return self._model.logits(hidden)

    def _extend(self, part: Sequence[int], total: int) -> None:
        self._forward(part)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, MemoryError) as error:  # torch reports nearly everything as a RuntimeError
            raise GenerationFailed(f"the torch backend failed: {error}") from error


def _load(
    shard: Shard, group: Group, device: torch.device, dtype: torch.dtype, kernels: str | None, narrow: bool
) -> tuple[Model | NativeModel, str]:
    """The model, and what computes it: the kernels if this machine can build and run them, else PyTorch."""
    if narrow and (device.type != "cpu" or dtype != torch.bfloat16):
        raise BackendError(
            f"dense weights in 8 bits are for a CPU, and not for float32: set {int8.VARIABLE} to {int8.STORED}"
        )
    suffix = ", dense weights in 8 bits" if narrow else ""
    if device.type != "cpu":
        return load_model(shard, device, dtype, group), "PyTorch on a GPU"
    if not shard.packed:
        _check_memory(shard, dtype)
    try:
        model = NativeModel(shard, dtype, kernels, group, narrow=narrow)
    except Unavailable as missing:
        _check_memory(shard, dtype)
        plain = load_model(shard, device, dtype, group, narrow=narrow)
        return plain, f"PyTorch{suffix}, without the faster native kernels: {missing}"
    return model, f"native kernels for {model.instructions}{suffix}"


def _logprob(logits: torch.Tensor, token: int) -> float:
    return min(float(logits[token] - logits.logsumexp(0)), 0.0)


def _check_memory(shard: Shard, dtype: torch.dtype) -> None:
    needed, available = memory.needed(shard.config, dtype), memory.available()
    if available is not None and needed > available:
        raise BackendError(
            f"{shard.path} needs {needed / 1e9:.1f} GB of memory in the torch backend, and "
            f"{available / 1e9:.1f} GB are available: use a machine with more, or a GPU"
        )


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise BackendError(f'there is no device "{name}": choose cpu, cuda or cuda:N') from error
    if device.type not in CHUNK or (device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()):
        raise BackendError(f'the device "{name}" cannot be used here: choose cpu')
    return device
