"""A page as the model sees it: a header, then numbered lines, as many as fit."""

from collections.abc import Callable, Sequence
from urllib.parse import unquote

from gptoss.tools.browser.page import Page
from gptoss.tools.browser.provider import BrowserError
from gptoss.tools.browser.text import one_line, shorten

Encode = Callable[[str], Sequence[int]]


def show(page: Page, cursor: int, encode: Encode, *, first: int, most_lines: int | None, most_tokens: int) -> str:
    """The view that begins at line `first` and holds whole lines, up to either limit, but at least one line.

    Raises BrowserError for a line that the page does not have.
    """
    last_of_page = len(page.lines) - 1
    if first > last_of_page:
        raise BrowserError(f"the page has no line {shorten(str(first), 30)}. Its last line is {last_of_page}.")
    shown: list[str] = []
    tokens = 0
    for number, line in enumerate(page.lines[first : None if most_lines is None else first + most_lines], first):
        numbered = f"L{number}: {line}"
        # Lines are encoded one by one: a newline is never merged with the "L" that follows it.
        tokens += len(encode(numbered + "\n"))
        if shown and tokens > most_tokens:
            break
        shown.append(numbered)
    # A URL is shown readable, but what its escapes hide must not break the line.
    where = f" ({one_line(unquote(page.url), 1000)})" if page.url else ""
    scrollbar = f"**viewing lines [{first} - {first + len(shown) - 1}] of {last_of_page}**"
    return "\n".join([f"[{cursor}] {page.title}{where}", scrollbar, "", *shown])
