"""Finding a text in a page."""

from hypothesis import given
from hypothesis import strategies as st

from gptoss.tools.browser.finding import find, without_links
from gptoss.tools.browser.making import wrap
from gptoss.tools.browser.page import Page


def page(text: str) -> Page:
    return Page(url="https://a.example/x", title="T", lines=wrap(text))


def test_each_match_shows_four_lines_and_leads_to_its_place() -> None:
    found = find("NEEDLE", page("\n".join(["a needle", "b", "needle", "c", "d", "e", "f needle"])), 3)
    assert found.lines == (
        *("# 【0†match at L0】", "a needle", "b", "needle", "c", ""),
        *("# 【1†match at L6】", "f needle"),
    )
    assert (found.found_in, found.found_at) == (3, (0, 6))
    assert found.title == "Find results for text: `NEEDLE` in `T`"
    assert found.url == "https://a.example/x/find?pattern=NEEDLE"


def test_a_match_may_run_over_the_end_of_a_line() -> None:
    lines = wrap("x" * 70 + " twenty paddlers and a well-known drummer")
    assert len(lines) == 2
    assert find("twenty  paddlers", page("\n".join(lines)), 0).found_at == (0,)
    assert find("well-known", page("a" * 74 + " well-known"), 0).found_at == (0,)


def test_links_are_searched_by_their_text() -> None:
    searched = page("see 【0†the rules†a.example】 now")
    assert find("the rules now", searched, 0).found_at == (0,)
    assert find("a.example", searched, 0).found_at == ()


def test_a_link_that_was_wrapped_moves_no_line() -> None:
    searched = page("x" * 50 + " 【12†the rules†a-very.long-domain.example】 and\nneedle")
    assert [line.startswith("domain.example】") for line in searched.lines] == [False, True, False]
    assert without_links(searched.lines) == ["x" * 50 + " the rules", " and", "needle"]
    assert find("needle", searched, 0).found_at == (2,)


def test_no_match_is_said() -> None:
    found = find("z】\n[9] x", page("a"), 0)
    assert found.lines == ("No match for `z〗 [9] x` on this page.",)
    assert found.found_at == ()


def test_matches_are_bounded() -> None:
    assert len(find("a", page("a\n" * 1000), 0).found_at) == 50


def test_a_pattern_is_no_expression() -> None:
    assert find("a.c*", page("abc\na.c*"), 0).found_at == (1,)


_link = st.tuples(st.integers(0, 999), st.text("ab -", min_size=1, max_size=90), st.text("ab.", max_size=90)).map(
    lambda parts: f"【{parts[0]}†{parts[1]}†{parts[2]}】" if parts[2] else f"【{parts[0]}†{parts[1]}】"
)


@given(st.lists(_link | st.text("abc \n-", max_size=60)).map("".join), st.text("abc", min_size=1, max_size=2))
def test_every_match_is_where_it_is_said_to_be(text: str, pattern: str) -> None:
    searched = page(text)
    lines = without_links(searched.lines)
    assert len(lines) == len(searched.lines)
    found = find(pattern, searched, 0)
    assert all(pattern in lines[line] for line in found.found_at)
    # Between two shown stretches nothing was missed.
    shown = {line + offset for line in found.found_at for offset in range(4)}
    if len(found.found_at) < 50:
        assert not [line for number, line in enumerate(lines) if pattern in line and number not in shown]
