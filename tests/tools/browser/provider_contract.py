"""What every provider promises, as one suite: `class TestMine(ProviderContract)` with `open` and the URLs runs it."""

import asyncio
from contextlib import suppress

import pytest

from gptoss.tools.browser.provider import BrowserError, Document, Provider

BAD_URLS = [
    *("", " ", "http://", "://", "https:///x", "file:///etc/passwd", "javascript:alert(1)", "data:text/html,x"),
    *("http://[", "http://[::1", "http://a.example:99999/", "https://a.example/\x00", "\x00", "\ud800", "x" * 5000),
    *("../secret.md", "/etc/passwd", "local://other/x.md", "local://", "view-source:", "ftp://a.example/", "%00", "~"),
]


class ProviderContract:
    """`open` gives a provider that can open `page` and find something for `query` (None: that cannot search)."""

    page: str
    query: str | None

    def open(self) -> Provider:
        raise NotImplementedError

    def test_a_page_has_its_url_and_text(self) -> None:
        document = asyncio.run(self.open().fetch(self.page))
        assert isinstance(document, Document)
        assert document.url == self.page
        assert document.media_type.startswith("text/")
        assert document.content

    def test_hits_are_no_more_than_asked_for_and_can_be_opened(self) -> None:
        provider = self.open()

        async def run() -> None:
            if self.query is None:
                with pytest.raises(BrowserError):
                    await provider.search("boat", 3)
                return
            assert len(await provider.search(self.query, 1)) == 1
            for hit in await provider.search(self.query, 20):
                assert (await provider.fetch(hit.url)).content

        asyncio.run(run())

    @pytest.mark.parametrize("url", BAD_URLS)
    def test_a_bad_url_is_told_in_a_sentence(self, url: str) -> None:
        with pytest.raises(BrowserError) as caught:
            asyncio.run(self.open().fetch(url))
        assert len(str(caught.value)) > 10
        assert "\n" not in str(caught.value)

    def test_odd_queries_are_no_accident(self) -> None:
        provider = self.open()
        for query in ["", "?", "\x00", "\ud800", "*" * 3000, "漢字", "a\nb"]:
            with suppress(BrowserError):
                assert len(asyncio.run(provider.search(query, 3))) <= 3
