"""Citations in an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.tools.browser.citations import Citations, Source, numbered
from gptoss.tools.browser.page import Page

PAGES = [
    Page(url="", title="query", lines=("",)),
    Page(url="https://a.example/", title="A", lines=("",)),
    Page(url="https://b.example/", title="B", lines=("",)),
    Page(url="https://a.example/find?pattern=x", title="Find", lines=("",), found_in=1),
    Page(url="https://a.example/", title="A", lines=("",)),
]


def page_at(cursor: int) -> Page | None:
    return PAGES[cursor] if cursor < len(PAGES) else None


def test_citations_become_numbered_sources() -> None:
    text = "One【2†L4\u2011L6】, two 【1†L3】【4†L9-11】 and three 【3†L1】."
    assert numbered(text, page_at) == (
        "One[1], two [2][2] and three [2].",
        (
            Source(number=1, title="B", url="https://b.example/", lines=((4, 6),)),
            Source(number=2, title="A", url="https://a.example/", lines=((3, 3), (9, 11), (1, 1))),
        ),
    )


@pytest.mark.parametrize(
    "text", ["【9†L1】", "【1†source】", "【1】", "a【1†L", "【", "【1†L1", "漢【字】", "【x†L1】", "【1†L1\n】"]
)
def test_what_is_no_citation_of_an_opened_page_stays(text: str) -> None:
    assert numbered(text, page_at) == (text, ())


def test_a_search_page_has_no_link_but_can_be_cited() -> None:
    assert numbered("x【0†L4】", page_at)[1] == (Source(number=1, title="query", url="", lines=((4, 4),)),)


def test_the_beginning_of_a_citation_is_held_back_and_nothing_else() -> None:
    citations = Citations(page_at)
    assert [citations.push(piece) for piece in ["It is 【1", "†L", "3】 so", " 【"]] == ["It is ", "", "[1] so", " "]
    assert citations.finish() == "【"
    citations = Citations(page_at)
    assert "".join(map(citations.push, "【1†L123456789-L123456790】")) == "[1]"
    citations = Citations(page_at)
    assert citations.push("【" + "a" * 100) == "【" + "a" * 100


@given(
    st.lists(st.sampled_from(["【", "1", "†", "L", "2", "-", "】", "a", " ", "【1†L3】"])).map("".join),
    st.lists(st.integers(1, 5), min_size=1),
)
def test_streaming_shows_what_the_whole_answer_shows(text: str, sizes: list[int]) -> None:
    citations = Citations(page_at)
    shown, at = "", 0
    while at < len(text):
        size = sizes[at % len(sizes)]
        shown += citations.push(text[at : at + size])
        at += size
    shown += citations.finish()
    assert (shown, citations.sources) == numbered(text, page_at)
