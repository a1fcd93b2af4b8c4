"""The processes below another one, as Linux tells of them in /proc. Elsewhere there seem to be none."""

import os
import signal
from contextlib import suppress
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROUNDS = 40
_CLEAN = 3
"""Looks in a row that must find nothing. One is not enough: what forks and ends while the others are looked at leaves a
child that has not been seen below anybody."""


def below(pid: int) -> list[int]:
    """Children, their children and so on."""
    found: list[int] = []
    queue = [pid]
    while queue:
        with suppress(OSError):
            for thread in Path(f"/proc/{queue.pop()}/task").iterdir():
                with suppress(OSError):
                    children = [int(child) for child in (thread / "children").read_text().split()]
                    found += children
                    queue += children
    return found


def memory_of(pids: list[int], limit: int) -> int:
    """Bytes that the processes keep in memory together; exact only where it may be above the limit."""
    rough = sum(_field(f"/proc/{pid}/statm", 1) * _PAGE for pid in pids)
    if rough <= limit:
        return rough
    # Processes that were forked from one another share most pages, which must count once.
    return sum(_proportional(pid) for pid in pids)


def kill_all(pid: int, keep: frozenset[int]) -> int:
    """Kill what is below a process but for those to keep, until nothing is left; return how many there were.

    Gives up on what forks faster than it can be killed: -1.
    """
    killed: set[int] = set()
    clean = 0
    for _ in range(_ROUNDS):
        alive = [child for child in below(pid) if child not in keep and not _is_zombie(child)]
        clean = 0 if alive else clean + 1
        if clean == _CLEAN:
            return len(killed)
        for child in alive:
            killed.add(child)
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
    return -1


def folder_size(folder: Path, limit: int) -> int:
    """Bytes of all files in a folder; stops counting above the limit, and counts an entry as a block at least."""
    total, queue = 0, [str(folder)]
    while queue:
        with suppress(OSError), os.scandir(queue.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    total += max(entry.stat(follow_symlinks=False).st_blocks * 512, 4096)
                    if entry.is_dir(follow_symlinks=False):
                        queue.append(entry.path)
                if total > limit:
                    return total
    return total


def _field(path: str, index: int) -> int:
    try:
        return int(Path(path).read_text().split()[index])
    except (OSError, IndexError, ValueError):
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().split("\n")
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("Pss:", "SwapPss:")))


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True
