"""The Python that runs the kernel: this program's own, so that the code of the model has the same packages."""

import os
import sys
from pathlib import Path

THREADS = str(min(os.cpu_count() or 1, 4))
"""Numerical libraries start as many threads as there are cores; each counts as a process."""


def prefixes() -> list[Path]:
    """The folders that hold Python and its packages."""
    found = [Path(sys.base_prefix), Path(sys.base_exec_prefix), Path(sys.prefix), Path(sys.exec_prefix)]
    found += [Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    # Distributions that keep every library in a folder of its own.
    found.append(Path("/nix/store"))
    outermost: list[Path] = []
    for path in dict.fromkeys(path for path in found if path.is_dir()):
        if not any(path.is_relative_to(other) for other in found if other != path and other.is_dir()):
            outermost.append(path)
    return outermost


def package_folders() -> list[str]:
    """What must be on the path for imports to find what they find here, in order."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages")) and Path(path).is_dir()]


def links(path: Path, shown: list[Path]) -> list[tuple[str, str]]:
    """The symbolic links on the way from a program to its file that lie outside the shown folders: (target, link)."""
    found = []
    while path.is_symlink():
        target = path.readlink()
        if not any(path.is_relative_to(folder) for folder in shown):
            found.append((str(target), str(path)))
        path = Path(os.path.normpath(path.parent / target))
    return found


def environment(home: str, folder: str) -> dict[str, str]:
    """All that the code of the model sees of an environment."""
    return {
        "HOME": home,
        "PWD": folder,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin")),
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join(package_folders()),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "NO_COLOR": "1",
        **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), THREADS),
    }
