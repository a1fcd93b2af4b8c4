"""Citations in an answer, `【cursor†L4-L6】`, as numbered sources."""

import re
from collections.abc import Callable

from msgspec import Struct

from gptoss.tools.browser.page import Page

# The model writes hyphens of several kinds.
_CITATION = re.compile(r"【(\d{1,9})†L(\d{1,9})(?:[-\u2010-\u2013]L?(\d{1,9}))?】")
_BEGINNING = re.compile(r"【[^【】\n]{0,64}\Z")

PageAt = Callable[[int], Page | None]
"""The page at a cursor, or None. `OpenedPages.get` is one."""


class Source(Struct, frozen=True, kw_only=True):
    """A page that an answer cites. `lines` are the cited ranges, first and last line, in the order of the answer."""

    number: int
    title: str
    url: str
    lines: tuple[tuple[int, int], ...]


class Citations:
    """Replaces the citations of an answer by `[1]`, `[2]`, ... while it streams.

    Citations of one page share a number. What is not a citation of an opened page stays as it is.
    """

    def __init__(self, page_at: PageAt) -> None:
        self._page_at = page_at
        self._held = ""
        self._sources: dict[str, Source] = {}

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources cited so far, by number."""
        return tuple(self._sources.values())

    def push(self, text: str) -> str:
        """What can be shown of the answer after this piece of it; the beginning of a citation is held back."""
        text = self._held + text
        beginning = _BEGINNING.search(text)
        end = beginning.start() if beginning else len(text)
        self._held = text[end:]
        return _CITATION.sub(self._number, text[:end])

    def finish(self) -> str:
        """What was held back: the answer ended in the middle of a citation."""
        held, self._held = self._held, ""
        return held

    def _number(self, match: re.Match[str]) -> str:
        page = self._page_at(int(match[1]))
        if page is not None and page.found_in is not None:
            page = self._page_at(page.found_in)
        if page is None:
            return match[0]
        first, last = int(match[2]), int(match[3] or match[2])
        known = self._sources.get(page.url or page.title)
        number = known.number if known else len(self._sources) + 1
        lines = (*(known.lines if known else ()), (first, last))
        self._sources[page.url or page.title] = Source(number=number, title=page.title, url=page.url, lines=lines)
        return f"[{number}]"


def numbered(text: str, page_at: PageAt) -> tuple[str, tuple[Source, ...]]:
    """A whole answer with its citations as numbers, and the sources."""
    citations = Citations(page_at)
    shown = citations.push(text) + citations.finish()
    return shown, citations.sources
