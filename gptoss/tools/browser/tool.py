"""The Tool: a call comes in, a page goes out."""

import asyncio
import re
from collections.abc import Callable

from gptoss.engine.events import Artefact
from gptoss.engine.ports import ToolCall, ToolResult
from gptoss.engine.recovery import tool_message
from gptoss.tools.browser.arguments import MOST_HITS, Find, Open, Search, function_of, parse
from gptoss.tools.browser.finding import find
from gptoss.tools.browser.making import VIEW_SOURCE, page_of, page_of_hits, source_of
from gptoss.tools.browser.page import MEDIA_TYPE, OpenedPages, Page
from gptoss.tools.browser.provider import BrowserError, Provider
from gptoss.tools.browser.text import one_line, shorten
from gptoss.tools.browser.view import Encode, show
from gptoss.tools.catalogue import BROWSER

VIEW_TOKENS = 1024
MOST_TOKENS = 2048
LINES_BEFORE_MATCH = 4


class BrowserTool:
    """Search, open and find over a provider.

    Each display takes the next cursor and keeps its page as an artefact; the artefacts of a call are therefore all that
    the tool must know of what was opened before. `encode` counts tokens (`Harmony.encode`), `put_blob` and `get_blob`
    are the log's. A view is `view_tokens` long; a call that asks for a number of lines gets up to `most_tokens`.
    """

    spec = BROWSER

    def __init__(
        self,
        provider: Provider,
        *,
        encode: Encode,
        put_blob: Callable[[bytes], str],
        get_blob: Callable[[str], bytes],
        view_tokens: int = VIEW_TOKENS,
        most_tokens: int = MOST_TOKENS,
    ) -> None:
        self._provider = provider
        self._encode = encode
        self._put_blob = put_blob
        self._get_blob = get_blob
        self._view_tokens = view_tokens
        self._most_tokens = most_tokens

    async def run(self, call: ToolCall) -> ToolResult:
        # The result's author is the function as it was called; a name that is none would break the message's header.
        recipient = call.message.recipient or ""
        author = recipient if re.fullmatch(r"[\w.]{1,64}", recipient, re.ASCII) else "browser"
        opened = OpenedPages(call.artefacts, self._get_blob)
        try:
            function = function_of(recipient)
            author = f"browser.{function}"
            page, first, lines = await self._display(parse(function, call.message.content), opened)
            text = show(
                page,
                len(opened),
                self._encode,
                first=first,
                most_lines=lines,
                most_tokens=self._view_tokens if lines is None else self._most_tokens,
            )
        except BrowserError as error:
            message = tool_message(author, f"Error: {error}", call.message.channel)
            return ToolResult(messages=(message,), outcome="error")
        data = page.encode()
        artefact = Artefact(
            digest=self._put_blob(data), name=f"page-{len(opened)}.json", media_type=MEDIA_TYPE, size=len(data)
        )
        return ToolResult(messages=(tool_message(author, text, call.message.channel),), artefacts=(artefact,))

    async def _display(self, call: Search | Open | Find, opened: OpenedPages) -> tuple[Page, int, int | None]:
        """The page to show, the line to begin with, and how many lines the model asked for."""
        if isinstance(call, Search):
            return await self._search(call), 0, None
        if isinstance(call, Find):
            cursor, page = opened.page(call.cursor)
            return await asyncio.to_thread(find, call.pattern, page, cursor), 0, None
        page, first = await self._open(call, opened)
        return page, first if call.loc < 0 else call.loc, call.num_lines if call.num_lines > 0 else None

    async def _search(self, call: Search) -> Page:
        try:
            hits = await self._provider.search(shorten(call.query, 1000), min(max(call.topn, 1), MOST_HITS))
        except BrowserError as error:
            raise BrowserError(f"the search failed: {error}.") from error
        return page_of_hits(call.query, hits)

    async def _open(self, call: Open, opened: OpenedPages) -> tuple[Page, int]:
        """The page and the line that it is best seen from."""
        if isinstance(call.id, str):
            return await self._fetch(call.id, call.view_source), 0
        cursor, page = opened.page(call.cursor)
        if call.id < 0:
            if not call.view_source:
                return page, 0
            found_in = page if page.found_in is None else opened.page(page.found_in)[1]
            return await self._fetch(found_in.url, as_source=True), 0
        count = len(page.links) if page.found_in is None else len(page.found_at)
        if call.id >= count:
            there = f"no link {shorten(str(call.id), 30)}. Its link ids go from 0 to {count - 1}."
            raise BrowserError(f"the page at cursor {cursor} has {there if count else 'no links.'}")
        if page.found_in is None:
            return await self._fetch(page.links[call.id], call.view_source), 0
        _, searched = opened.page(page.found_in)
        return searched, max(0, page.found_at[call.id] - LINES_BEFORE_MATCH)

    async def _fetch(self, url: str, as_source: bool) -> Page:
        if url.startswith(VIEW_SOURCE):
            url, as_source = url.removeprefix(VIEW_SOURCE), True
        if not url.strip():
            raise BrowserError("this page has no URL that could be opened.")
        try:
            document = await self._provider.fetch(url.strip())
        except BrowserError as error:
            raise BrowserError(f"cannot open {one_line(url)}: {error}.") from error
        # Converting a large page takes a while; the user's Ctrl-C must get through meanwhile.
        return await asyncio.to_thread(source_of if as_source else page_of, document)
