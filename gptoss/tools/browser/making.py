"""Pages from what a provider found."""

import textwrap
from collections.abc import Sequence
from urllib.parse import unquote

from gptoss.tools.browser.addresses import domain
from gptoss.tools.browser.html import Content, read
from gptoss.tools.browser.page import Page
from gptoss.tools.browser.provider import Document, Hit
from gptoss.tools.browser.text import clean, one_line

VIEW_SOURCE = "view-source:"
WIDTH = 80
MOST_CHARACTERS = 1_000_000


def page_of(document: Document) -> Page:
    """The document as a page."""
    return _page(document, document.url, read(document))


def source_of(document: Document) -> Page:
    """The document's source text as a page, without links."""
    return _page(document, VIEW_SOURCE + document.url, Content(text=clean(document.content)))


def page_of_hits(query: str, hits: Sequence[Hit]) -> Page:
    """The page of search results."""
    found = [
        f"  * {link(number, hit.title or hit.url, domain(hit.url))} {one_line(hit.summary, 300)}".rstrip()
        for number, hit in enumerate(hits)
    ]
    text = "\n".join(["", "URL: ", "# Search Results", "", *found])
    if not hits:
        text += "\nNo results for this query. Try other words."
    return Page(url="", title=one_line(query), lines=wrap(text), links=tuple(hit.url for hit in hits))


def link(number: int, text: str, site: str = "") -> str:
    """A link as the model reads it; `site` is the domain, when it is another than the page's."""
    text = one_line(text, 300).replace("†", "‡")
    return f"【{number}†{text}†{site}】" if site else f"【{number}†{text}】"


def wrap(text: str) -> tuple[str, ...]:
    """Lines of at most 80 characters. A line that was broken keeps the space it was broken at."""
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(line, WIDTH, replace_whitespace=False, drop_whitespace=False) if line else [""]
    return tuple(lines)


def _page(document: Document, url: str, content: Content) -> Page:
    text = content.text.strip("\n")
    if not text.strip():
        text = "[The page has no text.]"
    if document.cut or len(text) > MOST_CHARACTERS:
        text = text[:MOST_CHARACTERS] + "\n\n[The page is larger than this; the rest was left out.]"
    title = one_line(document.title) or content.title or name_of(document.url)
    return Page(url=url, title=title, lines=wrap(f"\nURL: {one_line(url, 1000)}\n{text}"), links=content.links)


def name_of(url: str) -> str:
    """What a page without a title is called: the last part of its path, or its domain."""
    return one_line(unquote(url.rstrip("/").rpartition("/")[2])) or domain(url)
