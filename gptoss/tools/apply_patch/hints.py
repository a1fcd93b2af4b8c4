"""What a failed patch shows of a file: the model cannot read files, and from this it can write a better patch."""

from collections.abc import Sequence

from gptoss.tools.apply_patch import texts

WHOLE = 60
"""Lines. A longer file is shown in part."""
PART = 40
"""Lines around the place that the patch seems to mean."""
LINE = 200
"""Characters. A longer line is cut."""


def show(text: str, wanted: Sequence[str] = (), start: int = 0) -> str:
    """The file, or the part of it that holds most of the wanted lines, at best below the line `start`."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if not lines[-1]:
        lines.pop()
    if len(lines) <= WHOLE:
        return texts.show_file(_legible(lines))
    first = _most_promising(lines, wanted, start)
    part = lines[first : first + PART]
    return texts.show_lines(first + 1, first + len(part), len(lines), _legible(part))


def _most_promising(lines: list[str], wanted: Sequence[str], start: int) -> int:
    words = {line.strip() for line in wanted} - {""}
    hits = [line.strip() in words for line in lines]
    last = max(len(lines) - PART, 0)
    score = sum(hits[:PART])
    best, first = score, 0
    for index in range(1, last + 1):
        score += hits[index + PART - 1] - hits[index - 1]
        if score > best:
            best, first = score, index
    if not best:
        return min(max(start - PART // 4, 0), last)
    # The window that first reaches the best score has its hits at its end: move it to have them in the middle.
    inside = [index for index in range(first, first + PART) if hits[index]]
    return min(max((inside[0] + inside[-1]) // 2 - PART // 2, 0), last)


def _legible(lines: Sequence[str]) -> str:
    cut = (line if len(line) <= LINE else line[: LINE - 1] + "…" for line in lines)
    return "\n".join(cut).encode("utf-8", "replace").decode()
