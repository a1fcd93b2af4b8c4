"""A container of Docker as the sandbox, for systems where bubblewrap does not work.

The image holds a Python of the same version as this one; the packages are this Python's own, shown read-only.
"""

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from gptoss.tools.python import interpreter, lifeline
from gptoss.tools.python.limits import Limits
from gptoss.tools.python.sandbox import DATA, Order, Unavailable, spawn
from gptoss.tools.python.users import give_away, user_for

IMAGE = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
_HOME = "/tmp"  # noqa: S108 - the container's own


class Docker:
    """`image` needs nothing but `python3` on its path."""

    name = "docker"

    def __init__(self, limits: Limits, image: str = IMAGE) -> None:
        self._limits = limits
        self._image = image

    def start(self, order: Order) -> subprocess.Popen[bytes]:
        program = shutil.which("docker")
        if program is None:
            raise Unavailable("The python backend docker needs the program docker, which is not installed.")
        uid, gid = os.geteuid(), os.getegid()
        if uid == 0:
            uid = gid = user_for(order.data)
            give_away(order.runtime, uid)
            give_away(order.data, uid)
        limits = self._limits
        command = [
            program,
            "run",
            "--rm",
            "--interactive",
            "--name",
            f"gptoss-{secrets.token_hex(8)}",
            "--network",
            "none",
        ]
        command += ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--workdir", DATA]
        command += ["--user", f"{uid}:{gid}", "--pids-limit", str(limits.processes), "--memory", str(limits.memory)]
        command += ["--memory-swap", str(limits.memory), "--ulimit", f"fsize={limits.file_size}", "--ulimit", "core=0"]
        command += ["--tmpfs", f"{_HOME}:rw,size={limits.scratch_size}", "--shm-size", str(limits.scratch_size)]
        command += ["--volume", f"{order.data}:{DATA}", "--volume", f"{order.runtime}:{order.runtime}"]
        for packages in interpreter.package_folders():
            command += ["--volume", f"{packages}:{packages}:ro"]
        environment = interpreter.environment(_HOME, DATA)
        # The container has its own programs.
        del environment["PATH"]
        command += [item for name, value in environment.items() for item in ("--env", f"{name}={value}")]
        first = Path(lifeline.__file__).read_text()
        command += [self._image, "python3", "-c", first, "python3", *order.command[1:]]
        docker = {name: value for name, value in os.environ.items() if name.startswith("DOCKER_") or name == "HOME"}
        try:
            return spawn(command, order, docker | {"PATH": os.defpath}, lifeline=True)
        except OSError as error:
            raise Unavailable(f"{program} cannot be started ({error.strerror}).") from error
