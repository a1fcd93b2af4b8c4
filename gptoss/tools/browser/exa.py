"""Exa (https://exa.ai) searches the web and reads its pages, through its client exa-py."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gptoss.engine.errors import UsageError
from gptoss.tools.browser.addresses import public_url
from gptoss.tools.browser.provider import BrowserError, Document, Hit
from gptoss.tools.browser.text import one_line

if TYPE_CHECKING:
    from exa_py import AsyncExa

BASE_URL = "https://api.exa.ai"
TIMEOUT = 30.0
MOST_CHARACTERS = 1_000_000

_REASONS = {
    401: "Exa refuses the API key; the user must set EXA_API_KEY to a valid one",
    402: "the Exa account has no credit left; the user must add some",
    403: "Exa refuses the API key; the user must set EXA_API_KEY to a valid one",
    429: "Exa gets too many requests; try again in a moment",
}


class ExaProvider:
    """Searches and opens pages with Exa's servers; this machine connects to `base_url` and nowhere else.

    `timeout` is in seconds and bounds a whole request. An unusable key: UsageError.
    """

    def __init__(self, api_key: str, *, base_url: str = BASE_URL, timeout: float = TIMEOUT) -> None:
        if not re.fullmatch(r"[!-~]+", api_key.strip()):
            raise UsageError("the Exa API key holds characters that no key has: set EXA_API_KEY again")
        self._api_key = api_key.strip()
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout

    async def search(self, query: str, count: int) -> Sequence[Hit]:
        response = await self._ask(
            lambda exa: exa.search(query, num_results=count, contents={"highlights": True}), "search results"
        )
        hits = (_hit(result) for result in response.results)
        return [hit for hit in hits if hit is not None][:count]

    async def fetch(self, url: str) -> Document:
        url = public_url(url)
        options: Any = {"include_html_tags": True, "max_characters": MOST_CHARACTERS}
        response = await self._ask(lambda exa: exa.get_contents([url], text=options), "a page")
        text = next((result.text for result in response.results if isinstance(result.text, str)), None)
        if text is None:
            raise BrowserError(_why_not(response.statuses or []))
        title = response.results[0].title
        cut = len(text) >= MOST_CHARACTERS
        return Document(url=url, content=text, title=title if isinstance(title, str) else "", cut=cut)

    async def _ask(self, request: Callable[["AsyncExa"], Awaitable[Any]], wanted: str) -> Any:
        """The answer to one request; whatever goes wrong becomes a BrowserError."""
        # Importing exa-py takes more than a second, which a Ctrl-C should not wait for.
        library = await asyncio.to_thread(import_module, "exa_py")
        import httpx  # comes with exa-py

        try:
            async with asyncio.timeout(self._timeout), library.AsyncExa(self._api_key, self._base_url) as exa:
                return await request(exa)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise BrowserError("Exa did not answer in time; try again") from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise BrowserError("Exa cannot be reached; the user must check the network") from error
        # The client tells a refusal by a ValueError's text, and stumbles over what is not of the form it expects.
        except Exception as error:
            raise BrowserError(_reason(str(error), wanted)) from error


def _reason(message: str, wanted: str) -> str:
    status = re.match(r"Request failed with status code (\d+)", message)
    if status is None:
        return f"Exa answered with something that is not {wanted}; try again"
    code = int(status[1])
    return _REASONS.get(code) or (
        f"Exa has a fault of its own (status {code}); try again later"
        if code >= 500
        else f"Exa refuses it (status {code})"
    )


def _hit(result: Any) -> Hit | None:
    """A result as a hit; None for one that leads nowhere."""
    try:
        url = public_url(result.url)
    except (BrowserError, TypeError):
        return None
    highlights = result.highlights if isinstance(result.highlights, list) else []
    texts = [*(part for part in highlights if isinstance(part, str)), result.summary, result.text]
    summary = next((text for text in texts if isinstance(text, str) and text.strip()), "")
    return Hit(title=one_line(result.title) if isinstance(result.title, str) else "", url=url, summary=summary)


def _why_not(statuses: Sequence[Any]) -> str:
    error = next((status.error for status in statuses if status.error is not None), None)
    if error is not None and error.http_status_code:
        return f"the site answered with status {error.http_status_code}"
    if error is not None and error.tag:
        return one_line(str(error.tag).replace("_", " ").lower(), 80)
    return "Exa has no text of this page"
