"""The local provider: a folder as a small web."""

import asyncio
import math
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from gptoss.engine.errors import UsageError
from gptoss.tools.browser import ranking
from gptoss.tools.browser.local import MOST_BYTES, LocalProvider
from gptoss.tools.browser.provider import BrowserError, Document, Hit, Provider
from tests.tools.browser.provider_contract import ProviderContract


def search(provider: LocalProvider, query: str, count: int = 10) -> Sequence[Hit]:
    return asyncio.run(provider.search(query, count))


def fetch(provider: LocalProvider, url: str) -> Document:
    return asyncio.run(provider.fetch(url))


class TestLocalProvider(ProviderContract):
    page = "local://notes/boats/rowing.md"
    query = "dragon boat"

    @pytest.fixture(autouse=True)
    def _folder(self, notes: Path) -> None:
        self._notes = notes

    def open(self) -> Provider:
        return LocalProvider(self._notes)


def test_hits_come_in_the_order_of_what_they_say(notes: Path) -> None:
    provider = LocalProvider(notes)
    assert [hit.title for hit in search(provider, "dragon boat crew")] == ["Dragon boats", "Harbour", "Rowing"]
    assert [hit.title for hit in search(provider, "crew of ROWING eight")] == ["Rowing", "Dragon boats"]
    assert [hit.url for hit in search(provider, "Café")] == ["local://notes/harbour.html"]
    assert [hit.title for hit in search(provider, "only text")] == ["plain.txt"]
    assert search(provider, "zebra") == []
    assert search(provider, "...") == []


def test_the_summary_is_the_passage_that_was_asked_for(notes: Path) -> None:
    (hit,) = search(LocalProvider(notes), "drummer pace", 1)
    assert hit.summary == "The drummer sets the pace."
    (hit,) = search(LocalProvider(notes), "federation", 1)
    assert hit.summary.endswith("drummer and a helm. See Rowing or the federation.")


def test_changes_of_the_folder_are_seen(notes: Path) -> None:
    provider = LocalProvider(notes)
    assert not search(provider, "zebra")
    path = notes / "zoo" / "z.md"
    path.parent.mkdir()
    path.write_text("A zebra.")
    assert len(search(provider, "zebra")) == 1
    path.write_text("No more of it.")
    os.utime(path, ns=(1, 1))
    assert not search(provider, "zebra")
    path.unlink()
    assert not search(provider, "more")


@pytest.mark.parametrize(
    "url",
    [
        *("local://notes/../secret.md", "local://notes/%2e%2e/secret.md", "local://notes/boats/../../secret.md"),
        *(
            "local://notes/link.md",
            "local://notes/.hidden.md",
            "local://notes//etc/passwd",
            "local://notes/..%2fsecret.md",
        ),
        *(
            "local://notes/%00",
            "local://notes/boats/none.md",
            "local://notes/" + "a" * 3000,
            "../secret.md",
            "/etc/passwd",
        ),
    ],
)
def test_nothing_outside_of_the_folder_is_read(notes: Path, url: str) -> None:
    with pytest.raises(BrowserError, match="there is no such page"):
        fetch(LocalProvider(notes), url)


def test_nothing_outside_of_the_folder_is_found(notes: Path) -> None:
    assert {hit.url for hit in search(LocalProvider(notes), "dragon rosebud")} == {
        "local://notes/boats/dragon-boats.md",
        "local://notes/harbour.html",
    }


def test_the_network_is_not_there(notes: Path) -> None:
    with pytest.raises(BrowserError, match=r"offline and has only the pages of local://notes/"):
        fetch(LocalProvider(notes), "https://a.example/")


def test_pages_open_by_url_and_by_path(notes: Path) -> None:
    provider = LocalProvider(notes)
    (notes / "a b#1.md").write_text("text")
    for url in ("local://notes/boats/rowing.md#part", "boats/rowing.md", "local://notes/boats/../boats/rowing.md?x"):
        assert fetch(provider, url).url == "local://notes/boats/rowing.md"
    assert fetch(provider, "local://notes/a%20b%231.md").url == "local://notes/a%20b%231.md"
    assert fetch(provider, "local://notes/plain.txt").media_type == "text/plain"


def test_a_folder_is_its_index_or_a_list_of_its_pages(notes: Path) -> None:
    provider = LocalProvider(notes)
    top = fetch(provider, "local://notes/")
    assert top.url == "local://notes/"
    assert [name for name in ("boats/", "harbour.html", "plain.txt") if f'href="{name}"' in top.content] == [
        *("boats/", "harbour.html", "plain.txt")
    ]
    assert "hidden" not in top.content
    assert fetch(provider, "local://notes/boats").url == "local://notes/boats/"
    (notes / "boats" / "README.md").write_text("# All boats")
    assert fetch(provider, "local://notes/boats/").content == "# All boats"


def test_odd_files_are_read_as_far_as_they_go(notes: Path) -> None:
    provider = LocalProvider(notes)
    (notes / "binary.html").write_bytes(bytes(range(256)) * 10)
    (notes / "big.md").write_bytes(b"elephant " * (MOST_BYTES // 8))
    (notes / "empty.md").write_bytes(b"")
    (notes / "bom.md").write_bytes("\ufefffirst".encode())
    assert fetch(provider, "local://notes/big.md").cut
    assert fetch(provider, "local://notes/bom.md").content == "first"
    assert [hit.title for hit in search(provider, "elephant")] == ["big.md"]


def test_a_folder_that_is_none_is_refused(notes: Path) -> None:
    for path in (notes / "none", notes / "plain.txt"):
        with pytest.raises(UsageError, match="is no folder"):
            LocalProvider(path)


def test_a_rare_word_counts_more_than_a_common_one_and_a_short_document_more_than_a_long_one() -> None:
    documents = [
        ranking.Counter(ranking.words(text)) for text in ("boat boat sea", "boat oar", "boat", "oar " * 9 + "x")
    ]
    by_boat = ranking.scores("boats", documents)
    assert by_boat[3] == 0
    assert by_boat[2] > by_boat[1]
    assert ranking.weights("oar boat sea", documents)["sea"] > ranking.weights("oar boat sea", documents)["boat"] > 0
    # One of two documents has the word, once; it is 2 words long where the average is 1.5.
    (score, _) = ranking.scores("a", [ranking.Counter("ab"), ranking.Counter("c")])
    assert score == pytest.approx(math.log(2) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 2 / 1.5)))
    assert ranking.scores("x", []) == []
    assert ranking.scores("x", [ranking.Counter()]) == [0]
