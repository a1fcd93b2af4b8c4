"""Puts back what patches of killed processes have left half-done.

Only what files hold is looked at, so it does not matter where a patch, or this, was cut off: each file is what it was
before the patch, what the patch was to make of it, missing in between, or changed by somebody else since.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Literal

from msgspec import Struct

from gptoss.tools.apply_patch.committing import commit
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.journal import Entry, Journal
from gptoss.tools.apply_patch.planning import FileEdit
from gptoss.tools.apply_patch.workspace import FileState, Workspace

Place = Literal["before", "between", "after", "elsewhere"]


class Recovered(Struct, frozen=True):
    """A patch that was cut off after it had changed the files `changed`.

    They are what they were before, unless `kept` is given: then some were changed by somebody else since, so all are
    left as they are, and `kept` is the file that holds what they held before.
    """

    workspace: str
    changed: tuple[str, ...]
    kept: Path | None = None

    def __str__(self) -> str:
        files = ", ".join(self.changed)
        cut = f"a patch of files in {self.workspace} was cut off in the middle"
        if self.kept is None:
            return f"{cut}: what it had changed is as before again ({files})"
        return (
            f"{cut} and they were changed since, so they are left as they are ({files}): {self.kept} has the old ones"
        )


def recover(journal: Journal) -> list[Recovered]:
    """Put back what was half-done. A workspace that is not there now is left for another time."""
    found = [
        _put_back(entry, path) for path, entry in journal.abandoned() if Path(os.fsdecode(entry.workspace)).is_dir()
    ]
    return [recovered for recovered in found if recovered is not None]


def _put_back(entry: Entry, path: Path) -> Recovered | None:
    """Undo what was done of a patch; None where nothing was, or all."""
    workspace = Workspace(Path(os.fsdecode(entry.workspace)))
    found = {edit.path: _found(edit, workspace) for edit in entry.edits}
    places = [place for place, _ in found.values()]
    back = [FileEdit(edit.path, found[edit.path][1], edit.before) for edit in entry.edits]
    back = [edit for edit in back if found[edit.path][0] != "before"]
    changed = tuple(edit.path for edit in back)
    is_whole = all(place == "after" for place in places)
    _remove_spare_files(entry, workspace)
    if back and not is_whole and ("elsewhere" in places or not _committed(back, workspace, entry.spare)):
        return Recovered(str(workspace.root), changed, path.rename(path.with_suffix(".kept")))
    _remove_folders(entry, workspace)
    path.unlink()
    return Recovered(str(workspace.root), changed) if back and not is_whole else None


def _committed(edits: Sequence[FileEdit], workspace: Workspace, spare: str) -> bool:
    try:
        commit(edits, workspace, spare=spare)
    except PatchError:
        return False
    return True


def _found(edit: FileEdit, workspace: Workspace) -> tuple[Place, FileState | None]:
    """How far the patch had got with a file, and what the file holds."""
    try:
        state = workspace.read(edit.path)
    except PatchError:
        return "elsewhere", None
    data = None if state is None else state.data
    if data == (None if edit.before is None else edit.before.data):
        return "before", state
    if data == (None if edit.after is None else edit.after.data):
        return "after", state
    return ("between" if state is None else "elsewhere"), state


def _remove_spare_files(entry: Entry, workspace: Workspace) -> None:
    for parent in {PurePosixPath(edit.path).parent for edit in entry.edits}:
        with suppress(OSError), workspace.folder(str(parent / entry.spare)) as folder:
            for name in os.listdir(folder):  # noqa: PTH208 - of a descriptor
                if name.startswith(entry.spare):
                    os.unlink(name, dir_fd=folder)


def _remove_folders(entry: Entry, workspace: Workspace) -> None:
    """Remove the folders that were made for nothing; one that holds something stays."""
    for made in reversed(entry.missing):
        with suppress(OSError), workspace.folder(made) as folder:
            os.rmdir(PurePosixPath(made).name, dir_fd=folder)
