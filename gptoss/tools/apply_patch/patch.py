"""The grammar of a patch: text to the changes that it asks for. Knows no files.

    *** Begin Patch
    *** Add File: PATH          then lines that begin with +
    *** Delete File: PATH
    *** Update File: PATH       then perhaps *** Move to: PATH, then hunks
    *** End Patch

A hunk is any number of lines `@@` or `@@ LINE OF THE FILE`, then lines that begin with a space (stays), - (goes) or +
(comes), then perhaps `*** End of File`. The first hunk may do without `@@`.
"""

import re
from typing import Literal

from msgspec import Struct

from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.argument import BEGIN
from gptoss.tools.apply_patch.errors import PatchError

END = "*** End Patch"
END_OF_FILE = "*** End of File"

Sign = Literal[" ", "-", "+"]

_SIGNS: dict[str, Sign] = {" ": " ", "-": "-", "+": "+", "": " "}
"""What a line begins with; an empty one has lost its space."""

_SECTION = re.compile(r"\*\*\* (Add|Delete|Update) File:\s*(.*)")
_MOVE = re.compile(r"\*\*\* Move to:\s*(.*)")
_LINE_NUMBERS = re.compile(r"-\d+(,\d+)? \+\d+(,\d+)? @@.*")
"""What stands behind @@ in a unified diff. It says nothing that the lines of the hunk do not say better."""


class Hunk(Struct, frozen=True):
    """One change. `anchors` are lines of the file that stand above it, outermost first; `at_end` ties it to the end."""

    anchors: tuple[str, ...]
    lines: tuple[tuple[Sign, str], ...]
    at_end: bool = False

    @property
    def old(self) -> list[str]:
        """The lines that must be there."""
        return [text for sign, text in self.lines if sign != "+"]


class AddFile(Struct, frozen=True):
    path: str
    lines: tuple[str, ...]


class DeleteFile(Struct, frozen=True):
    path: str


class UpdateFile(Struct, frozen=True):
    path: str
    hunks: tuple[Hunk, ...]
    move_to: str | None = None


Section = AddFile | DeleteFile | UpdateFile

_Numbered = tuple[int, str]


def parse_patch(text: str) -> list[Section]:
    """The sections of a patch, in order. Raises PatchError."""
    lines = [(number, line.removesuffix("\r")) for number, line in enumerate(text.split("\n"), 1)]
    if lines[0][1].strip() != BEGIN:
        raise PatchError(texts.NO_PATCH)
    while not lines[-1][1].strip():
        lines.pop()
    if lines[-1][1].strip() != END:
        raise PatchError(texts.NO_END)
    sections = [_section(header, body) for header, body in _split(lines[1:-1])]
    if not sections:
        raise PatchError(texts.EMPTY_PATCH)
    return sections


def _split(lines: list[_Numbered]) -> list[tuple[re.Match[str], list[_Numbered]]]:
    """Each section's header and the lines below it; empty lines between sections belong to none."""
    sections: list[tuple[re.Match[str], list[_Numbered]]] = []
    for number, line in lines:
        header = _SECTION.fullmatch(line.rstrip())
        if header:
            sections.append((header, []))
        elif sections:
            sections[-1][1].append((number, line))
        elif line.strip():
            raise PatchError(texts.bad_line(number, line))
    return [(header, _without_blank_end(body)) for header, body in sections]


def _without_blank_end(lines: list[_Numbered]) -> list[_Numbered]:
    end = len(lines)
    while end and not lines[end - 1][1]:
        end -= 1
    return lines[:end]


def _section(header: re.Match[str], body: list[_Numbered]) -> Section:
    path = header[2]
    if header[1] == "Add":
        for number, line in body:
            if not line.startswith("+"):
                raise PatchError(texts.bad_added_line(number, line))
        return AddFile(path, tuple(line[1:] for _, line in body))
    if header[1] == "Delete":
        for number, line in body:
            raise PatchError(texts.bad_line(number, line))
        return DeleteFile(path)
    move = _MOVE.fullmatch(body[0][1].rstrip()) if body else None
    hunks = _hunks(body[1:] if move else body)
    if move is None and not any(sign != " " for hunk in hunks for sign, _ in hunk.lines):
        raise PatchError(texts.no_changes(path))
    return UpdateFile(path, tuple(hunks), move[1] if move else None)


def _hunks(body: list[_Numbered]) -> list[Hunk]:
    hunks: list[Hunk] = []
    anchors: list[str] = []
    lines: list[tuple[Sign, str]] = []

    def finish(*, at_end: bool = False) -> None:
        if lines:
            hunks.append(Hunk(tuple(anchors), tuple(lines), at_end))
            anchors.clear()
            lines.clear()

    for number, line in body:
        if line.startswith("@@"):
            finish()
            anchor = line[2:].removeprefix(" ").rstrip()
            if anchor and not _LINE_NUMBERS.fullmatch(anchor):
                anchors.append(anchor.removesuffix(" @@"))
        elif line.rstrip() == END_OF_FILE and lines:
            finish(at_end=True)
        elif line[:1] in _SIGNS:
            lines.append((_SIGNS[line[:1]], line[1:]))
        else:
            raise PatchError(texts.bad_line(number, line))
    finish()
    return hunks
