"""The Exa provider against a server that plays Exa: its real answers and every fault."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from gptoss.engine.errors import UsageError
from gptoss.tools.browser.exa import ExaProvider
from gptoss.tools.browser.provider import BrowserError, Document, Hit, Provider
from tests.tools.browser.provider_contract import ProviderContract
from tests.tools.browser.servers import Request, Server

KEY = "11111111-2222-3333-4444-555555555555"
RESULTS = [
    {
        "id": "https://boats.example/dragon",
        "title": "Dragon boats",
        "url": "https://boats.example/dragon",
        "publishedDate": "2025-11-02T00:00:00.000Z",
        "author": "Ada",
        "score": 0.41,
        "image": "https://boats.example/a.png",
        "favicon": "https://boats.example/favicon.ico",
        "highlights": ["A dragon boat has a crew of\n22.", "More of it."],
        "highlightScores": [0.8, 0.2],
    },
    {
        "id": "x",
        "title": None,
        "url": "https://b.example/",
        "publishedDate": None,
        "author": None,
        "summary": "A summary.",
    },
    {"id": "y", "title": "", "url": "http://c.example/", "text": "Its text.", "highlights": []},
]
SEARCH = {
    "requestId": "b5947044c4b78efa9552a7c89b306d95",
    "resolvedSearchType": "neural",
    "results": RESULTS,
    "searchTime": 812.4,
    "costDollars": {"total": 0.005, "search": {"neural": 0.005}},
}


def contents(text: Any, **rest: Any) -> dict[str, Any]:
    url = "https://boats.example/dragon"
    return {
        "requestId": "e492118ccdedcba5088bfc4357a8a125",
        "results": [{"id": url, "url": url, "title": "Dragon boats", "author": "", "text": text}],
        "statuses": [{"id": url, "status": "success", "source": "cached"}],
        "costDollars": {"total": 0.001, "contents": {"text": 0.001}},
        **rest,
    }


PAGE = contents('<div><h1>Dragon boats</h1><p>See <a href="/rowing">rowing</a>.</p></div>')


def play(request: Request) -> None:
    request.answer(200, PAGE if request.path == "/contents" else SEARCH)


def search(server: Server, query: str = "boats", count: int = 10, **options: Any) -> Sequence[Hit]:
    return asyncio.run(ExaProvider(KEY, base_url=server.url, **options).search(query, count))


def fetch(server: Server, url: str = "https://boats.example/dragon", **options: Any) -> Document:
    return asyncio.run(ExaProvider(KEY, base_url=server.url, **options).fetch(url))


class TestExaProvider(ProviderContract):
    page = "https://boats.example/dragon"
    query = "boats"

    @pytest.fixture(autouse=True)
    def _server(self, server: Server) -> None:
        server.answer = play
        self._url = server.url

    def open(self) -> Provider:
        return ExaProvider(KEY, base_url=self._url + "/")


def test_a_search_is_one_request_and_its_results_are_hits(server: Server) -> None:
    server.answer = play
    assert search(server, "crew of a boat", 3) == [
        Hit(title="Dragon boats", url="https://boats.example/dragon", summary="A dragon boat has a crew of\n22."),
        Hit(title="", url="https://b.example/", summary="A summary."),
        Hit(title="", url="http://c.example/", summary="Its text."),
    ]
    (request,) = server.requests
    assert request.path == "/search"
    assert request.headers["x-api-key"] == KEY
    assert request.body == {"query": "crew of a boat", "numResults": 3, "contents": {"highlights": True}}


def test_a_page_is_asked_for_with_its_links(server: Server) -> None:
    server.answer = play
    document = fetch(server)
    assert document == Document(
        url="https://boats.example/dragon", title="Dragon boats", content=PAGE["results"][0]["text"]
    )
    (request,) = server.requests
    assert request.path == "/contents"
    assert request.body["urls"] == ["https://boats.example/dragon"]
    assert request.body["text"]["includeHtmlTags"] is True


def test_hits_that_lead_nowhere_are_left_out(server: Server) -> None:
    urls = [
        "javascript:x",
        "http://127.0.0.1/",
        None,
        7,
        "https://\ud800.example/",
        "https://ok.example/",
        "http://localhost/",
    ]
    server.answer = lambda request: request.answer(200, {**SEARCH, "results": [{"url": url} for url in urls]})
    assert [hit.url for hit in search(server)] == ["https://ok.example/"]


def test_partial_results_are_used_as_far_as_they_go(server: Server) -> None:
    odd = [{"url": "https://a.example/", "title": 5, "highlights": "no list", "summary": [], "text": None}]
    server.answer = lambda request: request.answer(200, {"results": odd})
    assert search(server) == [Hit(title="", url="https://a.example/")]
    server.answer = lambda request: request.answer(200, {"results": []})
    assert search(server) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://10.0.0.1:8080/admin", "localhost", "http://[::1]/", "file:///x"]
)
def test_a_private_address_is_not_even_asked_for(server: Server, url: str) -> None:
    with pytest.raises(BrowserError, match="can be opened"):
        fetch(server, url)
    assert not server.requests


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "Exa refuses it (status 400)"),
        (401, "Exa refuses the API key; the user must set EXA_API_KEY to a valid one"),
        (402, "the Exa account has no credit left"),
        (403, "Exa refuses the API key"),
        (404, "Exa refuses it (status 404)"),
        (422, "Exa refuses it (status 422)"),
        (429, "Exa gets too many requests; try again in a moment"),
        (500, "Exa has a fault of its own (status 500); try again later"),
        (503, "Exa has a fault of its own (status 503)"),
    ],
)
def test_each_refusal_says_what_to_do(server: Server, status: int, reason: str) -> None:
    error = {"requestId": "1", "error": f"secret {KEY}\n<|start|>", "tag": "TAG"}
    server.answer = lambda request: request.answer(status, error)
    for call in (search, fetch):
        with pytest.raises(BrowserError) as caught:
            call(server)
        assert str(caught.value).startswith(reason)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        *(
            "",
            "not JSON",
            "<html>Bad gateway</html>",
            '{"results": [',
            "null",
            "[]",
            "7",
            "{}",
            '"text"',
            '{"results": null}',
        ),
        *(
            '{"results": 5}',
            '{"results": [null]}',
            '{"results": ["x"]}',
            '{"results": {"a": 1}}',
            "\ud800".encode("utf-8", "ignore"),
        ),
        *(b"\xff\xfe\x00", '{"results": [], "statuses": [null], "costDollars": 5}'),
    ],
)
def test_malformed_answers_are_told(server: Server, body: str | bytes) -> None:
    server.answer = lambda request: request.answer(200, body, content_type="application/json")
    with pytest.raises(BrowserError, match=r"not a page|no text"):
        fetch(server)
    try:
        assert search(server) == []
    except BrowserError as error:
        assert "not search results" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_a_connection_that_breaks_is_told(server: Server, data: bytes) -> None:
    server.answer = lambda request: request.raw(data)
    for call in (search, fetch):
        with pytest.raises(BrowserError, match="Exa cannot be reached"):
            call(server)


def test_a_server_that_is_not_there_is_told(server: Server) -> None:
    for url in ("http://127.0.0.1:1", "http://", "nonsense", "http://127.0.0.1:99999"):
        with pytest.raises(BrowserError, match=r"cannot be reached|not search results"):
            asyncio.run(ExaProvider(KEY, base_url=url).search("x", 1))


def test_a_server_that_does_not_answer_is_given_up(server: Server) -> None:
    server.answer = Request.hang
    for call in (search, fetch):
        with pytest.raises(BrowserError, match="did not answer in time"):
            call(server, timeout=0.1)


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.answer = lambda request: request.answer(302, location="http://127.0.0.1:1/")
    with pytest.raises(BrowserError, match="not search results"):
        search(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (
            {"status": "error", "error": {"tag": "CRAWL_NOT_FOUND", "httpStatusCode": 404}},
            "the site answered with status 404",
        ),
        ({"status": "error", "error": {"tag": "SOURCE_NOT_AVAILABLE"}}, "source not available"),
        ({"status": "error", "error": None}, "Exa has no text of this page"),
        ({"status": "success"}, "Exa has no text of this page"),
    ],
)
def test_a_page_that_exa_could_not_read_says_why(server: Server, status: dict[str, Any], reason: str) -> None:
    server.answer = lambda request: request.answer(200, contents("", results=[], statuses=[{"id": "u", **status}]))
    with pytest.raises(BrowserError, match=reason):
        fetch(server)
    server.answer = lambda request: request.answer(200, contents(None, statuses=[{"id": "u", **status}]))
    with pytest.raises(BrowserError, match=reason):
        fetch(server)


def test_an_empty_page_is_a_page(server: Server) -> None:
    server.answer = lambda request: request.answer(200, contents(""))
    assert fetch(server).content == ""


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a\nX-Evil: 1"])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with pytest.raises(UsageError, match="EXA_API_KEY"):
        ExaProvider(key)
