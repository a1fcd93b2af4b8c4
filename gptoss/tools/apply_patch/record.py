"""A patch that was applied, kept so that it can be shown and taken back."""

import difflib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from gptoss.engine.errors import StorageError, UsageError
from gptoss.tools.apply_patch import editing
from gptoss.tools.apply_patch.committing import commit
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.journal import Journal
from gptoss.tools.apply_patch.planning import FileEdit
from gptoss.tools.apply_patch.workspace import Workspace

NAME = "changes.json"
MEDIA_TYPE = "application/vnd.gptoss.file-changes+json"
"""By which a record is found among the artefacts of a session."""


class Record(Struct, frozen=True, omit_defaults=True):
    """The files that one call changed, with all that they held before and after (base64 in the JSON)."""

    edits: tuple[FileEdit, ...]

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> "Record":
        """Raises StorageError."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise StorageError(f"the record of a patch cannot be read ({error}): its files stay as they are") from error


def combined(records: Sequence[Record]) -> Record:
    """Several records as one, oldest first. UsageError where something else changed a file between two of them."""
    edits: dict[str, FileEdit] = {}
    for record in records:
        for edit in record.edits:
            first = edits.get(edit.path, edit)
            last = first.after if edit.path in edits else edit.before
            if (last and last.data) != (edit.before and edit.before.data):
                raise UsageError(
                    f"{edit.path} was changed by something else between two patches, so they cannot be taken back "
                    "together: undo fewer turns at a time, or keep the files"
                )
            edits[edit.path] = FileEdit(edit.path, first.before, edit.after)
    return Record(tuple(edit for edit in edits.values() if edit.before != edit.after))


def take_back(record: Record, workspace: Path, journal: Journal | None = None) -> list[str]:
    """Make the files what they were before the call, all or none, and return their paths.

    Raises UsageError where one of them was changed since, or this is another folder.
    """
    undone = [FileEdit(edit.path, before=edit.after, after=edit.before) for edit in record.edits]
    try:
        _check(undone, Workspace(workspace))
        commit(undone, Workspace(workspace), journal=journal)
    except PatchError as error:
        raise UsageError(f"the patch cannot be taken back: {error.problem} Its files stay as they are.") from error
    return [edit.path for edit in record.edits]


def _check(undone: Sequence[FileEdit], workspace: Workspace) -> None:
    """UsageError unless the files are what the call left: a record does not know the folder that it was made in."""
    for edit in undone:
        found = workspace.read(edit.path)
        if found is None and edit.before is not None:
            raise UsageError(
                f"the patch cannot be taken back: {edit.path} is not in {workspace.root}; if the patch was made in "
                "another folder, name that one with --workspace"
            )
        if (found and found.data) != (edit.before and edit.before.data):
            raise UsageError(
                f"the patch cannot be taken back: {edit.path} in {workspace.root} was changed since; if the patch was "
                "made in another folder, name that one with --workspace"
            )


def diff(record: Record) -> str:
    """The changes as a unified diff, as git writes it."""
    return "".join(_diff(edit) for edit in record.edits)


def _diff(edit: FileEdit) -> str:
    before, after = ("" if state is None else editing.decode(state.data) for state in (edit.before, edit.after))
    old = "/dev/null" if edit.before is None else f"a/{edit.path}"
    new = "/dev/null" if edit.after is None else f"b/{edit.path}"
    if "\0" in before + after:
        return f"Binary files {old} and {new} differ\n"
    lines = difflib.unified_diff(_lines(before), _lines(after), old, new)
    text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return (text or f"--- {old}\n+++ {new}\n").encode("utf-8", "replace").decode()


def _lines(text: str) -> list[str]:
    """Split at line feeds alone, which stay."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
