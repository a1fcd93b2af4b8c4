"""What torchrun says of this process. Nothing here imports torch."""

import os
from collections.abc import Mapping

from msgspec import Struct

from gptoss.engine.errors import UsageError


class World(Struct, frozen=True, kw_only=True):
    """This process is number `rank` of `size`, and `local_rank` of the `local_size` on this machine.

    `address` and `port` are where the ranks find each other. `hosted`: whoever started them listens there already.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    address: str
    port: int
    hosted: bool
    attempt: str = "0"

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def is_local(self) -> bool:
        """Whether all ranks are on this machine."""
        return self.local_size == self.size


def world(environment: Mapping[str, str] = os.environ) -> World | None:
    """None for a process on its own. UsageError where the variables that torchrun sets make no sense.

    See https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables.
    """
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return None
    try:
        rank, size = int(environment["RANK"]), int(environment["WORLD_SIZE"])
        found = World(
            rank=rank,
            size=size,
            local_rank=int(environment.get("LOCAL_RANK", rank)),
            local_size=int(environment.get("LOCAL_WORLD_SIZE", size)),
            address=environment.get("MASTER_ADDR", "127.0.0.1"),
            port=int(environment.get("MASTER_PORT", "29500")),
            hosted=environment.get("TORCHELASTIC_USE_AGENT_STORE") == str(True),
            attempt=environment.get("TORCHELASTIC_RESTART_COUNT", "0"),
        )
    except ValueError as error:
        raise UsageError(f"RANK, WORLD_SIZE and the like must be numbers ({error}): leave them to torchrun") from error
    if not 0 <= found.rank < found.size or not 0 <= found.local_rank < found.local_size <= found.size:
        raise UsageError(f"rank {found.rank} of {found.size} cannot be: leave RANK and WORLD_SIZE to torchrun")
    return found
