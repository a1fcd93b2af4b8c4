"""Hunks applied to the text of one file: a pure function.

A file keeps its line ends, its byte order mark and bytes that are no UTF-8; a last line without an end stays so unless
a hunk writes below it or in its place. Context lines stay as the file has them, however the patch spells them.
"""

from collections.abc import Sequence

from gptoss.tools.apply_patch import hints, texts
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.matching import INDENTATION_IGNORED, Lines
from gptoss.tools.apply_patch.patch import Hunk

_BOM = "\ufeff"


def decode(data: bytes) -> str:
    """Bytes of a file as text; bytes that are no UTF-8 survive the way there and back."""
    return data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def new_text(lines: Sequence[str]) -> str:
    """The text of a new file."""
    return "".join(f"{line}\n" for line in lines)


def edit(path: str, text: str, hunks: Sequence[Hunk]) -> str:
    """The text after the hunks, which follow each other down the file. Raises PatchError with the lines not found."""
    mark = _BOM if text.startswith(_BOM) else ""
    return mark + _Edit(path, text.removeprefix(_BOM)).apply(hunks)


class _Edit:
    """`_done` is the number of the file's lines that are written or dropped."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        pieces = text.split("\n")
        self._ends = ["\r\n" if piece.endswith("\r") else "\n" for piece in pieces[:-1]]
        lines = [piece.removesuffix("\r") for piece in pieces[:-1]]
        if pieces[-1]:
            lines.append(pieces[-1])
            self._ends.append("")
        self._lines = Lines(lines)
        self._usual = "\r\n" if self._ends.count("\r\n") > self._ends.count("\n") else "\n"
        self._written: list[str] = []
        self._done = 0

    def apply(self, hunks: Sequence[Hunk]) -> str:
        for hunk in hunks:
            self._apply(hunk)
        self._keep(len(self._lines))
        return "".join(self._written)

    def _apply(self, hunk: Hunk) -> None:
        start = self._below_anchors(hunk)
        lines = list(hunk.lines)
        old = hunk.old
        added = [text for sign, text in lines if sign == "+"]
        if old:
            place = self._lines.find(old, start, at_end=hunk.at_end)
            if place is None and hunk.anchors and start > self._done:
                # The anchor may be repeated as the first line of the hunk.
                place = self._lines.find(old, start - 1, at_end=hunk.at_end)
            if place is None and lines[-1] == (" ", "") and len(old) > 1:
                # An empty last line often stands for the line end of the one before.
                lines, old = lines[:-1], old[:-1]
                place = self._lines.find(old, start, at_end=hunk.at_end)
            if place is None:
                shown = [sign + text for sign, text in hunk.lines if sign != "+"]
                raise PatchError(texts.not_found(self._path, shown), hints.show(self._text, old, start))
            index = place.index
            if place.level >= INDENTATION_IGNORED:
                added = _reindented(added, old, self._lines[index : index + len(old)])
        else:
            index = start if hunk.anchors and not hunk.at_end else len(self._lines)
        self._keep(index)
        new = iter(added)
        for sign, _ in lines:
            if sign == "+":
                self._insert(next(new))
            elif sign == " ":
                self._keep(self._done + 1)
            else:
                self._done += 1

    def _below_anchors(self, hunk: Hunk) -> int:
        """The index below the anchors; one that stands only above the hunks before says nothing new."""
        start = self._done
        for anchor in hunk.anchors:
            place = self._lines.find([anchor], start)
            if place is not None:
                start = place.index + 1
            elif not self._lines.has(anchor, start):
                raise PatchError(
                    texts.place_not_found(self._path, anchor), hints.show(self._text, [anchor, *hunk.old], start)
                )
        return start

    def _keep(self, until: int) -> None:
        """Write the file's own lines up to that index."""
        for line, end in zip(self._lines[self._done : until], self._ends[self._done : until], strict=True):
            self._write(line, end)
        self._done = until

    def _insert(self, line: str) -> None:
        """Write a new line, which ends as its neighbour does."""
        neighbour = self._ends[max(self._done - 1, 0)] if self._ends else ""
        self._write(line, neighbour or self._usual)

    def _write(self, line: str, end: str) -> None:
        if self._written and not self._written[-1].endswith("\n"):
            self._written[-1] += self._usual
        self._written.append(line + end)


def _reindented(added: list[str], old: Sequence[str], found: Sequence[str]) -> list[str]:
    """The new lines, moved as the old ones would have to be moved to stand where they were found.

    Only where one and the same shift explains all of them; else the new lines stay as the patch has them.
    """
    pairs = [(was, now) for was, now in zip(old, found, strict=True) if was.strip()]
    before, after = (_indentation([pair[side] for pair in pairs]) for side in (0, 1))
    explained = all(now.rstrip() == (after + was.removeprefix(before)).rstrip() for was, now in pairs)
    if not explained or not all(line.startswith(before) for line in added if line.strip()):
        return added
    return [after + line.removeprefix(before) if line.strip() else line for line in added]


def _indentation(lines: list[str]) -> str:
    """The white space before the line that is furthest left."""
    return min((line[: len(line) - len(line.lstrip())] for line in lines), key=len, default="")
