"""The folder that patches are confined to.

A path is checked twice: its symbolic links are resolved and must stay inside; then the folders of the result are opened
one by one without following links, so that a link put there in between leads nowhere.
"""

import difflib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from msgspec import Struct

from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.errors import PatchError

LARGEST = 4_000_000
"""Bytes of a file that may be patched."""
_LONGEST = 1000
"""Characters of a path."""
_LISTED = 2000
"""File names that are looked through for one that is spelt alike."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileState(Struct, frozen=True):
    """What a file holds. `mode` are its permission bits; None: those of any new file."""

    data: bytes
    mode: int | None = None


class Workspace:
    """`root` must be a folder. Errors of the system become PatchErrors."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))

    def locate(self, path: str, *, follow: bool = False) -> str:
        """The path in its one spelling: relative to the workspace, links in it resolved; `follow` the last one too.

        Raises PatchError where it leads out of the workspace or into git's own folder.
        """
        parts = PurePosixPath(path).parts
        if not parts or "\0" in path or path.endswith("/") or len(path) > _LONGEST:
            raise PatchError(texts.bad_path(path))
        if path.startswith("/") or ".." in parts:
            raise PatchError(texts.outside(path))
        joined = self.root.joinpath(*parts)
        real = os.path.realpath(joined if follow else joined.parent)
        if not follow:
            real = os.path.join(real, parts[-1])  # noqa: PTH118 - Path would drop what makes a path odd
        inside = os.path.relpath(real, self.root)
        if inside == "." or inside.split("/")[0] == "..":
            raise PatchError(texts.outside(path))
        if ".git" in inside.lower().split("/"):
            raise PatchError(texts.protected(path))
        return inside

    def read(self, path: str, *, to_write: bool = False) -> FileState | None:
        """What the file at a located path holds, None where there is nothing."""
        try:
            with self.folder(path) as folder:
                # Asking for both is how a file that may not be written is noticed: it could still be replaced.
                file = os.open(PurePosixPath(path).name, _FILE | (os.O_RDWR if to_write else 0), dir_fd=folder)
            try:
                return _state_of(path, file)
            finally:
                os.close(file)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._refused(path, error) from error

    @contextmanager
    def folder(self, path: str, made: list[str] | None = None) -> Iterator[int]:
        """A descriptor of the folder that holds the located path.

        Folders that are not there are made, and noted in `made`, if there is such a list.
        """
        current = os.open(self.root, _FOLDER)
        try:
            walked = PurePosixPath()
            for part in PurePosixPath(path).parent.parts:
                walked /= part
                try:
                    below = os.open(part, _FOLDER, dir_fd=current)
                except FileNotFoundError:
                    if made is None:
                        raise
                    os.mkdir(part, dir_fd=current)
                    made.append(str(walked))
                    below = os.open(part, _FOLDER, dir_fd=current)
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)

    def similar(self, path: str) -> list[str]:
        """Up to three files whose paths are spelt like this one, or that have its name in another folder."""
        paths = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
            inside = Path(folder).relative_to(self.root)
            paths += [str(inside / name) for name in sorted(files)]
            if len(paths) > _LISTED:
                break
        name = PurePosixPath(path).name
        namesakes = [other for other in paths if PurePosixPath(other).name == name]
        return list(dict.fromkeys([*namesakes, *difflib.get_close_matches(path, paths, 3, 0.7)]))[:3]

    def _refused(self, path: str, error: OSError) -> PatchError:
        try:
            link_or_folder = not stat.S_ISREG((self.root / path).lstat().st_mode)
        except OSError:
            link_or_folder = False
        return PatchError(texts.not_a_file(path) if link_or_folder else texts.failed(path, reason(error)))


def _state_of(path: str, file: int) -> FileState:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise PatchError(texts.not_a_file(path))
    if found.st_size > LARGEST:
        raise PatchError(texts.file_too_large(path))
    with os.fdopen(file, "rb", closefd=False) as stream:
        return FileState(stream.read(), stat.S_IMODE(found.st_mode))


def reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
