"""A page: lines of text and numbered links. The pages of a branch, by cursor."""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from gptoss.engine.errors import StorageError
from gptoss.engine.events import Artefact
from gptoss.tools.browser.provider import BrowserError
from gptoss.tools.browser.text import shorten

MEDIA_TYPE = "application/vnd.gptoss.page+json"
"""The media type of the artefacts that hold pages."""


class Page(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one display is a view of.

    The lines are stored wrapped, so that a line number that the model has seen or cited means the same line for ever.
    A page of search results has no URL. `links` are URLs by id. The page that `browser.find` makes leads back into the
    page it searched: `found_in` is that one's cursor, `found_at` the line of each match by link id.
    """

    url: str
    title: str
    lines: tuple[str, ...]
    links: tuple[str, ...] = ()
    found_in: int | None = None
    found_at: tuple[int, ...] = ()

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


class OpenedPages:
    """The pages that the calls of a branch have shown: a fold over the artefacts those calls kept."""

    def __init__(self, artefacts: Sequence[Artefact], get_blob: Callable[[str], bytes]) -> None:
        self._artefacts = [artefact for artefact in artefacts if artefact.media_type == MEDIA_TYPE]
        self._get_blob = get_blob

    def __len__(self) -> int:
        return len(self._artefacts)

    def get(self, cursor: int) -> Page | None:
        """The page at a cursor, or None."""
        try:
            return self.page(cursor)[1] if cursor >= 0 else None
        except BrowserError:
            return None

    def page(self, cursor: int) -> tuple[int, Page]:
        """The page at a cursor, -1 being the newest, and its cursor. Raises BrowserError."""
        if not self._artefacts:
            raise BrowserError("no page is open yet. Use browser.search, or browser.open with a URL as id.")
        newest = len(self._artefacts) - 1
        if cursor == -1:
            cursor = newest
        if not 0 <= cursor <= newest:
            raise BrowserError(f"there is no cursor {shorten(str(cursor), 30)}. The newest cursor is {newest}.")
        try:
            data = self._get_blob(self._artefacts[cursor].digest)
            return cursor, msgspec.json.decode(data, type=Page)
        except (StorageError, msgspec.MsgspecError) as error:
            raise BrowserError(
                f"the page at cursor {cursor} is no longer stored. Search again, or open its URL again."
            ) from error
