"""Arithmetic between ranks: the sum of what each computed, and what each knows of the vocabulary side by side.

A rank draws tokens itself, so whatever it gets from here is the same on all ranks to the last bit.
"""

import os
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store

from gptoss.backends.parallel.world import World
from gptoss.engine.errors import BackendError

_PATIENCE = timedelta(hours=12)
"""How long a rank waits for another in the middle of a step. A rank that died is noticed otherwise, and at once."""


class Group(Protocol):
    """The ranks that share a model; `rank` is this one, `device` where it computes."""

    rank: int
    size: int
    device: torch.device | None

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        """The sum over all ranks' contiguous x, which is used up. On a CPU always added in the order of the ranks."""
        ...

    def gather(self, x: torch.Tensor, width: int) -> torch.Tensor:
        """Columns of all ranks side by side: [rows, part] on each to [rows, width].

        All ranks but the last ones have ceil(width / size) columns.
        """
        ...


class Alone:
    """A process that holds the whole model."""

    rank = 0
    size = 1
    device: torch.device | None = None

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        return x

    def gather(self, x: torch.Tensor, width: int) -> torch.Tensor:
        return x


ALONE = Alone()


class Ranks:
    """Ranks over torch.distributed: NCCL where each has a GPU of its own, gloo on CPUs. One per process."""

    def __init__(self, world: World, store: Store, device: torch.device) -> None:
        """All ranks must do this at the same time. BackendError if they do not find each other."""
        self.rank = world.rank
        self.size = world.size
        self.device: torch.device | None = device
        if device.type == "cuda":
            torch.cuda.set_device(device)
        elif world.is_local and sys.platform == "linux":
            os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # or else the host's name must lead somewhere
        try:
            dist.init_process_group(
                "nccl" if device.type == "cuda" else "gloo",
                store=PrefixStore("collectives", store),
                rank=world.rank,
                world_size=world.size,
                timeout=_PATIENCE,
                device_id=device if device.type == "cuda" else None,
            )
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"rank {world.rank} cannot reach the others: {error}") from error

    def sum(self, x: torch.Tensor) -> torch.Tensor:
        """See `Group`."""
        if self.size == 1:
            return x
        if x.device.type == "cuda":
            dist.all_reduce(x)
            return x
        # Rings add in an order that depends on where in the tensor a number is, so on how many tokens there are.
        parts = self._all(x)
        total = parts[0]
        for part in parts[1:]:
            total += part
        return total

    def gather(self, x: torch.Tensor, width: int) -> torch.Tensor:
        """See `Group`."""
        if self.size == 1:
            return x
        rows, each = len(x), -(-width // self.size)
        if x.shape[1] < each:
            x = torch.nn.functional.pad(x, (0, each - x.shape[1]))
        return self._all(x.contiguous()).transpose(0, 1).reshape(rows, -1)[:, :width].contiguous()

    def abort(self) -> None:
        """End what this rank waits for, from another thread. On CPUs a rank that is gone ends it by itself."""
        if self.device is not None and self.device.type == "cuda":
            with suppress(Exception):
                dist.distributed_c10d._abort_process_group()

    def close(self) -> None:
        with suppress(Exception):
            dist.destroy_process_group()

    def _all(self, x: torch.Tensor) -> torch.Tensor:
        """[size, *x.shape]"""
        parts = x.new_empty(self.size, *x.shape)
        _all_gather(parts.view(-1), x.view(-1))
        return parts


def place(world: World) -> torch.device:
    """Where a rank computes: on the GPU of its number on this machine, on the CPU where there is none.

    BackendError if there are fewer GPUs than ranks.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    count = torch.cuda.device_count()
    if world.local_size > count:
        raise BackendError(
            f"{world.local_size} ranks on a machine with {count} {'GPU' if count == 1 else 'GPUs'}: start at most that "
            "many here, or hide the GPUs from all with CUDA_VISIBLE_DEVICES= to compute on the CPU"
        )
    return torch.device("cuda", world.local_rank)


def meeting_point(world: World) -> Store:
    """Where ranks find each other before they have a group."""
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]  # it is there, only not announced
            world.address, world.port, world.size, is_master=world.leads and not world.hosted, wait_for_workers=False
        )
    except RuntimeError as error:
        raise BackendError(
            f"rank {world.rank} finds nobody at {world.address}:{world.port} ({error}): start the ranks with torchrun"
        ) from error
    return PrefixStore(f"gptoss/{world.attempt}", store)


def _all_gather(parts: torch.Tensor, x: torch.Tensor) -> None:
    gather = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor  # its older name
    gather(parts, x)
