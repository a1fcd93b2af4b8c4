"""A disk that fails on demand, under a real program: `tests/storage/failing_disk.c`, built when it is needed."""

import mmap
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

SOURCE = Path(__file__).with_name("failing_disk.c")

needs_failing_disk = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="making a disk fail needs Linux and a C compiler"
)


class FailingDisk:
    """What fails, shared by the program that suffers it and whoever decides it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb+") as file:
            self._shared = mmap.mmap(file.fileno(), 0)

    @classmethod
    def create(cls, path: Path) -> Self:
        path.write_bytes(struct.pack("iiii", -1, 0, 0, 0))
        return cls(path)

    def begin(self, after: int, error: int, *, lasting: bool) -> None:
        """So many calls from now one fails with that errno, and all after it if it is `lasting`."""
        self._shared[:] = struct.pack("iiii", after, error, lasting, 0)

    def end(self) -> int:
        """All is well again; how many calls have failed."""
        failed: int = struct.unpack("iiii", self._shared[:])[3]
        self._shared[:] = struct.pack("iiii", -1, 0, 0, 0)
        return failed

    def environment(self) -> dict[str, str]:
        """What a program must be started with to suffer them."""
        library = self.path.with_suffix(".so")
        if not library.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
        return {"LD_PRELOAD": str(library), "FAILING_DISK": str(self.path)}
