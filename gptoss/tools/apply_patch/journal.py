"""What a patch is about to do, written down before it does it.

Files cannot all change in one instant. So before the first one changes, the journal holds what each of them held and
will hold; when all is done, that entry goes. An entry on which nobody works tells of a process that was killed, or of a
machine that was, and `gptoss.tools.apply_patch.recovering` puts back what it had done.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from gptoss.tools.apply_patch.planning import FileEdit
from gptoss.tools.apply_patch.workspace import Workspace

_SUFFIX = ".json"


class Entry(Struct, frozen=True):
    """A patch under way in the folder `workspace`. Its spare files have names that begin with `spare`.

    `missing` are the folders that it makes, outermost first.
    """

    workspace: bytes
    spare: str
    edits: tuple[FileEdit, ...]
    missing: tuple[str, ...]


class Journal:
    """`folder` is made when it is first needed. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def entry(self, workspace: Workspace, spare: str, edits: Sequence[FileEdit]) -> Iterator[None]:
        """While this is open, an end of the process will be noticed. Raises OSError if it cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        entry = Entry(os.fsencode(workspace.root), spare, tuple(edits), tuple(_missing(workspace, edits)))
        path, file = self._create()
        try:
            with os.fdopen(file, "wb", closefd=False) as stream:
                stream.write(msgspec.json.encode(entry))
            os.fsync(file)
            _flush(self._folder)
            yield
        finally:
            # An entry that cannot be removed says of a patch that is whole that it is whole.
            with suppress(OSError):
                path.unlink()
                _flush(self._folder)
            os.close(file)

    def abandoned(self) -> Iterator[tuple[Path, Entry]]:
        """The entries that nobody works on, each with its file, which is held while it is looked at."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            with _held(path) as file:
                if file is None:
                    continue
                try:
                    yield path, msgspec.json.decode(os.pread(file, os.fstat(file).st_size, 0), type=Entry)
                except msgspec.MsgspecError:
                    # Cut off before it was whole, and so before anything had changed.
                    path.unlink()

    def _create(self) -> tuple[Path, int]:
        """A new entry's path and descriptor, which is locked for as long as it is open."""
        while True:
            path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                return path, file
            # Somebody who recovers took it for an abandoned one, before it was locked.
            os.close(file)


@contextmanager
def _held(path: Path) -> Iterator[int | None]:
    """A descriptor of an entry that nobody works on, locked; None for any other."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file if os.fstat(file).st_nlink else None
    except BlockingIOError:
        yield None
    finally:
        os.close(file)


def _missing(workspace: Workspace, edits: Sequence[FileEdit]) -> Iterator[str]:
    """The folders that the edits need and that are not there, outermost first."""
    parents = {parent for edit in edits for parent in PurePosixPath(edit.path).parents}
    for parent in sorted(parents, key=lambda path: len(path.parts)):
        if not os.path.lexists(workspace.root / parent):
            yield str(parent)


def _flush(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
