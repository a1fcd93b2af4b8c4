"""Edits carried out on disk, all or none.

First everything is written beside its destination, so that a full disk or a missing permission shows before anything
has changed. Then names change hands, each step with a way back: what is replaced or deleted keeps existing under
another name until all is done.
"""

import errno
import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from pathlib import PurePosixPath

from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.journal import Journal
from gptoss.tools.apply_patch.planning import FileEdit
from gptoss.tools.apply_patch.workspace import Workspace, reason

_NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


def commit(
    edits: Sequence[FileEdit], workspace: Workspace, *, journal: Journal | None = None, spare: str | None = None
) -> None:
    """Make every file what its edit says. On an error nothing has changed, and PatchError says why.

    Without a journal, nobody knows of what a killed process leaves half-done. Spare files have names that begin with
    `spare`.
    """
    with ExitStack() as opened:
        transaction = _Transaction(workspace, opened, spare or f".gptoss-{secrets.token_hex(6)}-")
        if journal is not None and edits:
            try:
                opened.enter_context(journal.entry(workspace, transaction.spare, edits))
            except OSError as error:
                raise PatchError(texts.no_journal(reason(error))) from error
        try:
            for edit in edits:
                transaction.stage(edit)
            for edit in edits:
                transaction.carry_out(edit)
        except BaseException as error:
            damaged = transaction.take_back()
            if isinstance(error, OSError):
                raise PatchError(texts.failed(transaction.path, reason(error)), damaged=damaged) from error
            raise
        transaction.settle()


class _Transaction:
    """`path` is the file being worked on, `spare` the beginning of the names of spare files."""

    def __init__(self, workspace: Workspace, opened: ExitStack, spare: str) -> None:
        self.path = ""
        self.spare = spare
        self._spares = count()
        self._workspace = workspace
        self._opened = opened
        self._folders: dict[str, int] = {}
        self._made: list[str] = []
        self._staged: dict[str, str] = {}
        self._backups: list[tuple[int, str]] = []
        self._undo: list[tuple[str, Callable[[], None]]] = []

    def stage(self, edit: FileEdit) -> None:
        """Check that the file is still what the plan was made for, and write what it will hold beside it."""
        self.path = edit.path
        found = self._workspace.read(edit.path)
        if (found and found.data) != (edit.before and edit.before.data):
            raise PatchError(texts.changed_meanwhile(edit.path))
        self._folders[edit.path] = folder = self._opened.enter_context(self._workspace.folder(edit.path, self._made))
        if edit.after is None:
            return
        self._staged[edit.path] = name = self._spare_name()
        mode = 0o666 if edit.after.mode is None else 0o600
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(name, flags, mode, dir_fd=folder)
        with os.fdopen(file, "wb") as stream:
            stream.write(edit.after.data)
            if edit.before is not None:
                owner = os.stat(PurePosixPath(edit.path).name, dir_fd=folder, follow_symlinks=False)
                # Only root may give files away; for anybody else the file is their own already, or becomes so.
                with suppress(PermissionError):
                    os.fchown(file, owner.st_uid, owner.st_gid)
            if edit.after.mode is not None:
                os.fchmod(file, edit.after.mode)
            stream.flush()
            os.fsync(file)

    def carry_out(self, edit: FileEdit) -> None:
        self.path = edit.path
        folder, name = self._folders[edit.path], PurePosixPath(edit.path).name
        staged, backup = self._staged.get(edit.path), self._spare_name()
        if edit.before is None and staged is not None:
            _name_without_overwriting(staged, name, folder)
            self._undo.append((edit.path, lambda: os.unlink(name, dir_fd=folder)))
            with suppress(FileNotFoundError):
                os.unlink(staged, dir_fd=folder)
        elif edit.before is not None:
            _set_aside(name, backup, folder, keep=staged is not None)
            self._undo.append((edit.path, lambda: _put_back(backup, name, folder)))
            self._backups.append((folder, backup))
            if staged is not None:
                os.replace(staged, name, src_dir_fd=folder, dst_dir_fd=folder)
        self._staged.pop(edit.path, None)

    def take_back(self) -> list[str]:
        """Undo what was done, in the opposite order, and return the files for which that failed."""
        damaged = []
        for path, step in reversed(self._undo):
            try:
                step()
            except OSError:
                damaged.append(path)
        for path, name in self._staged.items():
            with suppress(OSError):
                os.unlink(name, dir_fd=self._folders[path])
        for path in reversed(self._made):
            with suppress(OSError), self._workspace.folder(path) as folder:
                os.rmdir(PurePosixPath(path).name, dir_fd=folder)
        return damaged

    def settle(self) -> None:
        """There is no way back any more: what was kept for it goes."""
        for folder, name in self._backups:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
        for folder in self._folders.values():
            with suppress(OSError):
                os.fsync(folder)

    def _spare_name(self) -> str:
        return f"{self.spare}{next(self._spares)}"


def _set_aside(name: str, backup: str, folder: int, *, keep: bool) -> None:
    """Give a file another name; with `keep` it has both, where it can, so that it is never missing."""
    if keep:
        try:
            os.link(name, backup, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
        else:
            return
    os.rename(name, backup, src_dir_fd=folder, dst_dir_fd=folder)


def _put_back(backup: str, name: str, folder: int) -> None:
    os.replace(backup, name, src_dir_fd=folder, dst_dir_fd=folder)
    # Renaming one name of a file to another name of it does nothing.
    with suppress(FileNotFoundError):
        os.unlink(backup, dir_fd=folder)


def _name_without_overwriting(old: str, new: str, folder: int) -> None:
    """Give a file a name that nothing has, FileExistsError where something has it. The old name may stay."""
    try:
        os.link(old, new, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # A file system without hard links offers no better than to look first.
        with suppress(FileNotFoundError):
            os.stat(new, dir_fd=folder, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=folder)
