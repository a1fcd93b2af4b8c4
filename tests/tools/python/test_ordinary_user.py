"""The escapes once more, by somebody who is not root: the sandbox is made in another way then."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.tools.python.notebooks import needs_sandbox

USER = "1234"
WHOEVER = "not place_of_the_kernel and not ending_the_kernel and not many_files"
"""What does not depend on who runs it is left out, to save time."""
CHECKOUT = Path(__file__).parents[3]

# In a namespace of its own, root's home ($1) shows nothing but the folders that are needed ($3 and on), by way of $2.
SCRIPT = """
set -e
mount -t tmpfs -o mode=755 keep "$2"
for path in "${@:3}"; do mkdir -p "$2$path"; mount --bind "$path" "$2$path"; done
mount -t tmpfs -o mode=755 home "$1"
for path in "${@:3}"; do mkdir -p "$path"; mount --bind "$2$path" "$path"; done
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs this is an ordinary user already")
@needs_sandbox
def test_the_escapes_fail_for_an_ordinary_user_too() -> None:
    with tempfile.TemporaryDirectory(prefix="ordinary-user-") as folder:
        run_escapes(Path(folder))


def run_escapes(folder: Path) -> None:
    """In a folder that is not pytest's, which every run of pytest closes to others."""
    folder.chmod(0o755)
    home = Path.home()
    needed = {Path(sys.base_prefix), Path(sys.prefix), CHECKOUT, folder}
    hidden = [str(path) for path in needed if path.is_relative_to(home)]
    keep, work = folder / "keep", folder / "work"
    keep.mkdir()
    work.mkdir()
    os.chown(work, int(USER), int(USER))
    tests = CHECKOUT / "tests" / "tools" / "python" / "test_escapes.py"
    run = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={work / 'tmp'}", "-k", WHOEVER, tests)
    become = ("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups")
    script = SCRIPT + f'cd "{CHECKOUT}"\nexec {shlex.join(map(str, (*become, *run)))}'
    command = ("unshare", "--mount", "bash", "-c", script, "bash", home, keep, *hidden)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(work),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(work / "hypothesis"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout, done.stdout
