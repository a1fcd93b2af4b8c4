"""Which process this is, and whether another one still lives."""

import os
import sys
from functools import cache
from pathlib import Path

from gptoss.engine.ports import Holder

_SYSTEM: str = sys.platform

STALE_SECONDS = 90.0
"""A lease of another host that was not renewed for so long is over."""


@cache
def this_host() -> str:
    """The machine's name and, after a slash, what tells where a process id means something.

    Containers can share a name and not their processes, and after a restart every id is free again.
    """
    name = os.environ.get("COMPUTERNAME", "host") if _SYSTEM == "win32" else os.uname().nodename
    return f"{name}/{_read('/proc/sys/kernel/random/boot_id')[:8]}{_namespace()}"


def is_held(holder: Holder, began: str, host: str, now: int) -> bool:
    """Whether a lease's holder still lives; `host` is what it called its own, `now` in microseconds since 1970."""
    if host == this_host():
        return is_alive(holder.pid, began)
    return now - holder.heartbeat < STALE_SECONDS * 1_000_000


def is_alive(pid: int, began: str) -> bool:
    """Whether the process of this host that began then still runs. True when there is no telling."""
    now = when_began(pid)
    return now is not None and (not began or not now or now == began)


def when_began(pid: int) -> str | None:
    """When a process of this host began, in whatever the system counts it in; "" if unknown, None without a process."""
    if _SYSTEM == "linux":
        # "pid (name) state ..."; the name may hold anything, and the 22nd field is the time.
        fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
        return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else None
    if _SYSTEM == "win32":
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink()).removeprefix("pid:")
    except OSError:
        return ""
