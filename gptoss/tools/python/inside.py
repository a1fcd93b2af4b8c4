"""The first program in a sandbox: gives up what is left of privilege, sets the limits and becomes the kernel.

Runs as text (`python -c`), because the sandbox does not hold this package. Argument 1 is JSON: `resources` maps names
of limits to values, `uid` is the user to become (null: stay), `parent` a process to die with (null: none), `folder`
where to be. The rest is the command to become.
"""

import json
import os
import resource
import sys


def main() -> None:
    order = json.loads(sys.argv[1])
    if order["parent"] is not None:
        _die_with(order["parent"])
    for name, value in order["resources"].items():
        limit = getattr(resource, name)
        _, hard = resource.getrlimit(limit)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    if order["uid"] is not None:
        os.setgroups([])
        os.setresgid(order["uid"], order["uid"], order["uid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    os.umask(0o077)
    os.chdir(order["folder"])
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - what to run is what the program that started it said


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        import ctypes
        import signal

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the program that started Python is gone")


if __name__ == "__main__":
    main()
