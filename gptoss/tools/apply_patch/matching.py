"""Where in a file the lines of a hunk are: exactly there, or but for spaces and typographic punctuation."""

from collections.abc import Callable, Sequence
from functools import cache

from msgspec import Struct

_PUNCTUATION = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
        **dict.fromkeys("\u200b\u2060\ufeff", ""),
        "\u2026": "...",
    }
)


def _plain(line: str) -> str:
    """The line with ASCII punctuation only, and without spaces around it."""
    return line.translate(_PUNCTUATION).strip()


LEVELS: tuple[Callable[[str], str], ...] = (str, str.rstrip, str.strip, _plain)
"""What is compared of a line: all, all but trailing space, but space around, but space and kinds of punctuation."""

INDENTATION_IGNORED = 2
"""The first level that does not look at indentation."""


class Place(Struct, frozen=True):
    """The index of the first line found, and the level at which it was."""

    index: int
    level: int


class Lines:
    """The lines of a file, without their ends."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._at = cache(self._normalised)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: slice) -> Sequence[str]:
        return self._lines[index]

    def find(self, wanted: Sequence[str], start: int = 0, *, at_end: bool = False) -> Place | None:
        """The first place at or after `start` where the wanted lines stand; a stricter level beats a nearer place.

        `wanted` is not empty. With `at_end` they must be the last lines of the file.
        """
        last = len(self._lines) - len(wanted)
        if at_end:
            start = max(start, last)
        for level, normal in enumerate(LEVELS):
            lines, needle = self._at(level), [normal(line) for line in wanted]
            index = start
            while index <= last:
                try:
                    index = lines.index(needle[0], index, last + 1)
                except ValueError:
                    break
                if lines[index : index + len(needle)] == needle:
                    return Place(index, level)
                index += 1
        return None

    def has(self, line: str, before: int) -> bool:
        """Whether the line stands before that index, at any level."""
        return any(normal(line) in self._at(level)[:before] for level, normal in enumerate(LEVELS))

    def _normalised(self, level: int) -> list[str]:
        return [LEVELS[level](line) for line in self._lines]
