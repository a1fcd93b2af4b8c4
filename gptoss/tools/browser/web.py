"""Opening pages of the web from this machine: no key, but no search either.

The model decides what is fetched, so every address is checked where the connection is made: a name is resolved once,
and what it resolved to is both what is checked and what is connected to. So it is for each redirect too, and a name
that resolves to something else a moment later gains nothing.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore

from gptoss.tools.browser.addresses import Address, is_public, public_url
from gptoss.tools.browser.provider import BrowserError, Document, Hit
from gptoss.tools.browser.text import one_line

TIMEOUT = 20.0
MOST_BYTES = 2_000_000
MOST_REDIRECTS = 5

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host, for a port. Raises OSError when there are none."""

_HEADERS = [
    ("User-Agent", "gptoss"),
    ("Accept", "text/html, text/*, application/json"),
    ("Accept-Encoding", "identity"),
]
_HTML = ("text/html", "application/xhtml+xml")
_TEXT = re.compile(r"text/.*|application/(.*\+)?(json|xml)")
_DECLARED = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)


class WebProvider:
    """Opens http and https pages from public addresses. `timeout`, in seconds, bounds a page with all its redirects.

    `resolve` and `network` replace the system's resolver and sockets.
    """

    def __init__(
        self,
        *,
        timeout: float = TIMEOUT,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._timeout = timeout
        self._network = _PublicNetwork(resolve or system_addresses, network or httpcore.AnyIOBackend())

    async def search(self, query: str, count: int) -> Sequence[Hit]:
        raise BrowserError("this browser has no search. Use browser.open with a URL as id")

    async def fetch(self, url: str) -> Document:
        try:
            async with (
                asyncio.timeout(self._timeout),
                httpcore.AsyncConnectionPool(network_backend=self._network, http2=False) as pool,
            ):
                for _ in range(MOST_REDIRECTS + 1):
                    url = public_url(url)
                    found = await _get(pool, url)
                    if isinstance(found, Document):
                        return found
                    url = urljoin(url, found)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise BrowserError("the site did not answer in time") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise BrowserError("the site cannot be reached, or does not speak HTTP") from error
        except ValueError as error:  # a redirect to what is no URL
            raise BrowserError("the site redirects to an invalid URL") from error
        raise BrowserError("the site redirects too often")


class _PublicNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only."""

    def __init__(self, resolve: Resolve, network: httpcore.AsyncNetworkBackend) -> None:
        self._resolve = resolve
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        # One private address is enough to refuse: which one is taken must not be up to chance, nor to a retry.
        if not all(is_public(address) for address in addresses):
            raise BrowserError("only public addresses can be opened")
        failure: Exception = OSError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise BrowserError("only public addresses can be opened")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


async def system_addresses(host: str, port: int) -> list[Address]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(sockaddr[0]) for *_, sockaddr in found]


async def _get(pool: httpcore.AsyncConnectionPool, url: str) -> Document | str:
    """The document at a URL, or where it redirects to."""
    parts = urlsplit(url)
    # Given in parts, so that no second parser may see another host.
    target = httpcore.URL(
        scheme=parts.scheme.encode(),
        host=(parts.hostname or "").encode("idna"),
        port=parts.port,
        target=_ascii(parts.path or "/") + (b"?" + _ascii(parts.query) if parts.query else b""),
    )
    headers = [("Host", parts.netloc.encode("idna").decode()), *_HEADERS]
    async with pool.stream("GET", target, headers=headers) as response:
        answered = {
            name.decode("ascii", "replace").lower(): value.decode("utf-8", "replace")
            for name, value in response.headers
        }
        if response.status in (301, 302, 303, 307, 308) and "location" in answered:
            return answered["location"]
        if response.status != 200:
            raise BrowserError(f"the site answered with status {response.status}")
        media_type, _, parameters = answered.get("content-type", "text/html").partition(";")
        media_type = media_type.strip().lower()
        if media_type not in _HTML and not _TEXT.fullmatch(media_type):
            raise BrowserError(f"it is {one_line(media_type, 60)}, not text")
        if answered.get("content-encoding", "identity").lower() != "identity":
            raise BrowserError("it is compressed, which was not asked for")
        data = bytearray()
        async for chunk in response.aiter_stream():
            data += chunk
            if len(data) > MOST_BYTES:
                break
    return Document(
        url=url,
        content=_text(bytes(data[:MOST_BYTES]), parameters),
        media_type="text/html" if media_type in _HTML else media_type,
        cut=len(data) > MOST_BYTES,
    )


def _ascii(part: str) -> bytes:
    """A part of a URL with what is not ASCII escaped."""
    return "".join(
        char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode()) for char in part
    ).encode()


def _text(data: bytes, parameters: str) -> str:
    """The text of a body, by the encoding that its header or its own beginning declares."""
    declared = re.search(r"charset\s*=\s*[\"']?([\w-]+)", parameters)
    own = _DECLARED.search(data[:2048])
    name = declared[1] if declared else own[1].decode() if own else "utf-8"
    try:
        text = data.decode(name, "replace")
    except (LookupError, UnicodeError):  # not an encoding, or one that is none of text
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")
