"""Opening pages from this machine: a real server, a real client, and a resolver and sockets that lead to it.

The names and public addresses of these tests are made up: the network below opens the one door that it was given, the
server on the loopback interface, and notes every address that was asked for.
"""

import asyncio
import gzip
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from typing import Any

import httpcore
import pytest

from gptoss.tools.browser.addresses import Address
from gptoss.tools.browser.provider import BrowserError, Document, Provider
from gptoss.tools.browser.web import MOST_BYTES, MOST_REDIRECTS, WebProvider, system_addresses
from tests.tools.browser.provider_contract import ProviderContract
from tests.tools.browser.servers import Request, Server

PUBLIC = "93.184.216.34"
DOWN = "93.184.216.35"


class Network(httpcore.AsyncNetworkBackend):
    """Every public address but one leads to the same port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.dialled: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append(host)
        if host == DOWN:
            raise httpcore.ConnectError("no route")
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", self.port, timeout)


class Names:
    """A resolver. A name that has several answers gives one after the other, and the last one from then on."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(given) for name, given in answers.items()}

    async def __call__(self, host: str, port: int) -> list[Address]:
        given = self.answers.get(host)
        if given is None:
            raise socket.gaierror(-2, "Name or service not known")
        return [ip_address(address) for address in (given.pop(0) if len(given) > 1 else given[0])]


NAMES = {"a_example": [[PUBLIC]], "b_example": [[PUBLIC]]}


def browse(server: Server, url: str, names: Names | None = None, **options: Any) -> tuple[Document, list[str]]:
    network = Network(server.port)
    provider = WebProvider(resolve=names or Names(**NAMES), network=network, **options)
    try:
        return asyncio.run(provider.fetch(url)), network.dialled
    except BrowserError as error:
        raise BrowserError(f"{error} (dialled {', '.join(network.dialled) or 'nothing'})") from error


def html(request: Request) -> None:
    request.answer(200, "<title>T</title>héllo", content_type="text/html")


class TestWebProvider(ProviderContract):
    page = "http://a.example/page"
    query = None

    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        server.answer = html
        self._port = server.port

    def open(self) -> Provider:
        return WebProvider(resolve=Names(**NAMES), network=Network(self._port))


def test_a_page_is_fetched_from_the_address_that_was_checked(server: Server) -> None:
    server.answer = html
    document, dialled = browse(server, "http://a.example:8080/x%20y/é?q=ü#part")
    assert document == Document(url="http://a.example:8080/x%20y/é?q=ü#part", content="<title>T</title>héllo")
    assert dialled == [PUBLIC]
    (request,) = server.requests
    assert (request.host, request.path) == ("a.example:8080", "/x%20y/%C3%A9?q=%C3%BC")


def test_the_next_address_is_tried_when_one_is_down(server: Server) -> None:
    server.answer = html
    assert browse(server, "http://a.example/", Names(a_example=[[DOWN, PUBLIC]]))[1] == [DOWN, PUBLIC]
    with pytest.raises(BrowserError, match="cannot be reached"):
        browse(server, "http://a.example/", Names(a_example=[[DOWN]]))


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.8"], ["::1"], ["169.254.169.254"], [PUBLIC, "192.168.0.1"], ["::ffff:127.0.0.1"]],
)
def test_a_name_that_leads_to_a_private_address_is_not_fetched(server: Server, addresses: list[str]) -> None:
    with pytest.raises(BrowserError, match=r"only public addresses can be opened \(dialled nothing\)"):
        browse(server, "http://a.example/", Names(a_example=[addresses]))
    assert not server.requests


@pytest.mark.parametrize(
    "location",
    [
        *(
            "http://127.0.0.1/",
            "//localhost/",
            "http://[::1]:80/",
            "http://169.254.169.254/latest/",
            "http://private.example/",
        ),
        *("http://2130706433/", "file:///etc/passwd", "http://a.example@127.0.0.1/", "http://[", "ftp://a.example/"),
    ],
)
def test_a_redirect_to_a_private_address_is_not_followed(server: Server, location: str) -> None:
    server.answer = lambda request: request.answer(302, location=location)
    with pytest.raises(BrowserError, match=rf"\(dialled {PUBLIC}\)"):
        browse(server, "http://a.example/", Names(**NAMES, private_example=[["10.0.0.1"]]))
    assert len(server.requests) == 1


def test_a_name_that_changes_between_check_and_use_gains_nothing(server: Server) -> None:
    """DNS rebinding: public when first asked, private from then on."""
    server.answer = lambda request: request.answer(302, location="/again", connection="close")
    with pytest.raises(BrowserError, match=rf"only public addresses can be opened \(dialled {PUBLIC}\)"):
        browse(server, "http://a.example/", Names(a_example=[[PUBLIC], ["127.0.0.1"]]))
    assert len(server.requests) == 1


def test_redirects_are_followed_but_not_for_ever(server: Server) -> None:
    def answer(request: Request) -> None:
        step = int(request.path[1:] or 0)
        if step < 3:
            request.answer(301 + step, location=f"http://b.example/{step + 1}")
        else:
            html(request)

    server.answer = answer
    document, _ = browse(server, "http://a.example/")
    assert document.url == "http://b.example/3"
    server.answer = lambda request: request.answer(307, location="/")
    server.requests.clear()
    with pytest.raises(BrowserError, match="redirects too often"):
        browse(server, "http://a.example/")
    assert len(server.requests) == MOST_REDIRECTS + 1


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (404, {}, "status 404"),
        (500, {}, "status 500"),
        (204, {}, "status 204"),
        (302, {}, "status 302"),
        (200, {"content_type": "application/pdf"}, "it is application/pdf, not text"),
        (200, {"content_type": "image/png; x=y"}, "it is image/png, not text"),
    ],
)
def test_what_is_no_page_is_told(server: Server, status: int, headers: dict[str, str], reason: str) -> None:
    server.answer = lambda request: request.answer(status, "x", **headers)
    with pytest.raises(BrowserError, match=reason):
        browse(server, "http://a.example/")


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", b"\x16\x03\x01\x00"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
    ],
)
def test_broken_answers_are_told(server: Server, data: bytes) -> None:
    server.answer = lambda request: request.raw(data)
    with pytest.raises(BrowserError, match="cannot be reached, or does not speak HTTP"):
        browse(server, "http://a.example/")


def test_a_site_that_does_not_answer_is_given_up(server: Server) -> None:
    server.answer = Request.hang
    with pytest.raises(BrowserError, match="did not answer in time"):
        browse(server, "http://a.example/", timeout=0.1)


def test_a_huge_page_is_read_as_far_as_it_may(server: Server) -> None:
    server.answer = lambda request: request.answer(200, "a" * (MOST_BYTES + 10), content_type="text/plain")
    document, _ = browse(server, "http://a.example/")
    assert (len(document.content), document.cut, document.media_type) == (MOST_BYTES, True, "text/plain")


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("é".encode(), "text/html"),
        ("é".encode(), "text/html; charset=no-such"),
        ("é".encode(), "text/html; charset=rot13"),
        ("é".encode(), "text/html; charset=idna"),
        ("\ufeffé".encode(), "text/plain"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        ("é".encode("utf-16"), 'text/plain; charset="utf-16"'),
    ],
)
def test_encodings(server: Server, data: bytes, content_type: str) -> None:
    server.answer = lambda request: request.answer(200, data, content_type=content_type)
    assert browse(server, "http://a.example/")[0].content == "é"


def test_a_page_may_declare_its_encoding_itself(server: Server) -> None:
    page = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1252"><p>‘é’'
    server.answer = lambda request: request.answer(200, page.encode("cp1252"), content_type="text/html")
    assert browse(server, "http://a.example/")[0].content == page


def test_compression_is_not_asked_for_and_not_trusted(server: Server) -> None:
    server.answer = lambda request: request.answer(200, gzip.compress(b"bomb"), content_encoding="gzip")
    with pytest.raises(BrowserError, match="compressed"):
        browse(server, "http://a.example/")
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.fixture
def tls_names() -> Iterator[tuple[int, list[str]]]:
    """A TLS server without a certificate, and the names that clients asked it for."""
    names: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            connection, _ = listening.accept()
            with pytest.raises(OSError), connection:
                context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listening.getsockname()[1], names
        thread.join()


def test_a_secure_site_must_prove_its_name_not_its_address(tls_names: tuple[int, list[str]]) -> None:
    port, names = tls_names
    provider = WebProvider(resolve=Names(**NAMES), network=Network(port))
    with pytest.raises(BrowserError, match="cannot be reached"):
        asyncio.run(provider.fetch("https://a.example/"))
    assert names == ["a.example"]


def test_the_systems_resolver_knows_this_machine() -> None:
    addresses = asyncio.run(system_addresses("localhost", 80))
    assert addresses
    assert all(address.is_loopback for address in addresses)


def test_there_is_no_search() -> None:
    with pytest.raises(BrowserError, match="no search"):
        asyncio.run(WebProvider().search("x", 1))
