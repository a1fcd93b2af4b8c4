"""Where a text occurs in a page."""

import re
from bisect import bisect_right
from itertools import accumulate
from urllib.parse import quote

from gptoss.tools.browser.making import wrap
from gptoss.tools.browser.page import Page
from gptoss.tools.browser.text import LINK, one_line

MOST_MATCHES = 50
LINES_SHOWN = 4


def find(pattern: str, page: Page, cursor: int) -> Page:
    """The page of matches of `pattern`, upper and lower case alike, in the page at `cursor`.

    A match may run over the end of a wrapped line. Each shows four lines; the next one is looked for after them.
    """
    lines = without_links(page.lines)
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    text = "\n".join(lines)
    found: list[int] = []
    position = 0
    while len(found) < MOST_MATCHES and (match := _expression(pattern).search(text, position)):
        found.append(bisect_right(starts, match.start()) - 1)
        position = starts[min(found[-1] + LINES_SHOWN, len(lines))]
    shown = one_line(pattern)
    matches = [
        "\n".join([f"# 【{number}†match at L{line}】", *lines[line : line + LINES_SHOWN]])
        for number, line in enumerate(found)
    ]
    return Page(
        url=f"{page.url}/find?pattern={quote(shown)}" if page.url else "",
        title=f"Find results for text: `{shown}` in `{page.title}`",
        lines=wrap("\n\n".join(matches) or f"No match for `{shown}` on this page."),
        found_in=cursor,
        found_at=tuple(found),
    )


def without_links(lines: tuple[str, ...]) -> list[str]:
    """The same lines with the text of each link in its place; a link that was wrapped still takes as many lines."""

    def plain(match: re.Match[str]) -> str:
        return match[2] + "\n" * (match[1].count("\n") + match[3].count("\n"))

    return LINK.sub(plain, "\n".join(lines)).split("\n")


def _expression(pattern: str) -> re.Pattern[str]:
    words = (re.escape(word).replace(r"\-", r"-\n?") for word in pattern.split())
    return re.compile(r"\s+".join(words), re.IGNORECASE)
