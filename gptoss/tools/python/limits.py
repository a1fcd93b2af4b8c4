"""How much the code of the model may use."""

import os
from collections.abc import Mapping

from msgspec import Struct

MB = 1_000_000


def _half_of_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


class Limits(Struct, frozen=True):
    """`memory` is for all processes of a sandbox together (bytes), `processes` counts threads too.

    `cpu` is in seconds, over the life of one process. `file_size` is for one file, `folder_size` for all in /mnt/data,
    `scratch_size` for /tmp, which is kept in memory.
    """

    memory: int = min(4_000 * MB, _half_of_memory())
    processes: int = 256
    cpu: int = 3600
    file_size: int = 256 * MB
    folder_size: int = 1_000 * MB
    scratch_size: int = 256 * MB

    def resources(self, *, count_processes: bool = True) -> Mapping[str, int]:
        """As names of `resource` and their values. Processes are counted per user, so not where others run beside."""
        return {
            # Counts what a program really asked for; the address space would count what libraries merely reserve.
            "RLIMIT_DATA": self.memory,
            "RLIMIT_CPU": self.cpu,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_CORE": 0,
            "RLIMIT_NOFILE": 1024,
        } | ({"RLIMIT_NPROC": self.processes} if count_processes else {})
