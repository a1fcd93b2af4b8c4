"""The port behind the browser: where hits and documents come from."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from gptoss.engine.errors import GptossError


class BrowserError(GptossError):
    """Something that the model is told. The message ends a sentence such as "cannot open URL: ..."."""


class Hit(Struct, frozen=True, kw_only=True):
    """One result of a search. `summary` is plain text of a sentence or two."""

    title: str
    url: str
    summary: str = ""


class Document(Struct, frozen=True, kw_only=True):
    """What a URL leads to, as it was found.

    `url` is where the document really was, after redirects. `media_type` is "text/html", "text/markdown" or another
    text type, which is shown as it is. Without a `title` the content's own is taken. `cut` says that the content is
    only the beginning of a larger one.
    """

    url: str
    content: str
    media_type: str = "text/html"
    title: str = ""
    cut: bool = False


class Provider(Protocol):
    """Both methods raise BrowserError and nothing else; they may be cancelled at any await."""

    async def search(self, query: str, count: int) -> Sequence[Hit]:
        """At most `count` hits, the best first."""
        ...

    async def fetch(self, url: str) -> Document:
        """The document at a URL, which comes from the model or from a page and so is not to be trusted."""
        ...
