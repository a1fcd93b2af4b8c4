"""From a patch to what each file will hold: pure but for the reading of files."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from gptoss.tools.apply_patch import editing, hints, texts
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.patch import AddFile, DeleteFile, Section, UpdateFile
from gptoss.tools.apply_patch.workspace import FileState, Workspace


class FileEdit(Struct, frozen=True):
    """One file's path in the workspace and what it holds before and after; None: there is no such file."""

    path: str
    before: FileState | None
    after: FileState | None


class Plan(Struct, frozen=True):
    """`edits` has each path once. `summary` has a line for each section of the patch (`texts.success`)."""

    edits: tuple[FileEdit, ...]
    summary: tuple[str, ...]


def make_plan(sections: Sequence[Section], workspace: Workspace) -> Plan:
    """What the sections, one after the other, make of the workspace. Raises PatchError; changes nothing."""
    return _Planner(workspace).plan(sections)


class _Planner:
    """`_before` is what was read, `_after` the same as the sections so far would leave it."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._before: dict[str, FileState | None] = {}
        self._after: dict[str, FileState | None] = {}

    def plan(self, sections: Sequence[Section]) -> Plan:
        summary = [self._section(section) for section in sections]
        edits = (FileEdit(path, before, self._after[path]) for path, before in self._before.items())
        changed = tuple(edit for edit in edits if edit.before != edit.after)
        return Plan(changed, tuple(dict.fromkeys(summary)))

    def _section(self, section: Section) -> str:
        match section:
            case AddFile():
                self._add(section)
                return f"A {section.path}"
            case DeleteFile():
                path = self._workspace.locate(section.path)
                self._existing(section.path, path)
                self._after[path] = None
                return f"D {section.path}"
            case UpdateFile():
                moved = self._update(section)
                return f"R {section.path} -> {section.move_to}" if moved else f"M {section.path}"

    def _add(self, section: AddFile) -> None:
        path = self._workspace.locate(section.path)
        there = self._state(path)
        if there is not None:
            raise PatchError(texts.exists(section.path), _show(there))
        self._after[path] = FileState(editing.encode(editing.new_text(section.lines)))

    def _update(self, section: UpdateFile) -> bool:
        """Whether the file moves."""
        source = self._workspace.locate(section.path, follow=section.move_to is None)
        state = self._existing(section.path, source, to_write=bool(section.hunks))
        target = source if section.move_to is None else self._workspace.locate(section.move_to)
        if section.hunks:
            if b"\0" in state.data:
                raise PatchError(texts.not_text(section.path))
            text = editing.edit(section.path, editing.decode(state.data), section.hunks)
            state = replace(state, data=editing.encode(text))
        if target != source:
            if self._state(target) is not None:
                raise PatchError(texts.target_exists(str(section.move_to)))
            self._after[source] = None
        self._after[target] = state
        return target != source

    def _existing(self, named: str, path: str, *, to_write: bool = False) -> FileState:
        state = self._state(path, to_write=to_write)
        if state is None:
            raise PatchError(texts.missing(named), texts.did_you_mean(self._workspace.similar(path)))
        return state

    def _state(self, path: str, *, to_write: bool = False) -> FileState | None:
        if path not in self._before:
            self._before[path] = self._after[path] = self._workspace.read(path, to_write=to_write)
        return self._after[path]


def _show(state: FileState) -> str:
    return "" if b"\0" in state.data else hints.show(editing.decode(state.data))
