import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.errors import UsageError
from gptoss.engine.searching import Query, Term, fold, parse_query, snippet

texts = st.text(st.characters(codec="utf-8"), max_size=60) | st.text('aé "-*\n', max_size=20)


def test_what_a_query_means() -> None:
    assert parse_query('Café "two  words" pre* -not -"nor this"') == Query(
        (Term("cafe", ("cafe",)), Term("two words", ("two", "words")), Term("pre", ("pre",), prefix=True)),
        (Term("not", ("not",)), Term("nor this", ("nor", "this"))),
    )
    with pytest.raises(UsageError):
        parse_query("  ")


@given(texts)
def test_whatever_is_typed_is_a_query(text: str) -> None:
    try:
        query = parse_query(text)
    except UsageError:
        assert '"' in text or not text.split()
    else:
        assert query.wanted


@given(texts)
def test_folding_keeps_every_character_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(texts, texts, st.integers(5, 40))
def test_a_snippet_is_a_line_with_marks_within(text: str, asked: str, length: int) -> None:
    query = Query((Term(fold(asked), tuple(fold(asked).split())),))
    part = snippet(text, query, length)
    assert "\n" not in part.text
    assert len(part.text) <= length + 4
    edges = [edge for mark in part.marks for edge in mark]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(part.text) for edge in edges)


def test_a_snippet_shows_what_was_found() -> None:
    text = "nothing here " * 50 + "the Whales sleep\nat sea " + "nor here " * 50
    part = snippet(text, parse_query('"whales sleep" sea'), 60)
    assert [part.text[first:last] for first, last in part.marks] == ["Whales sleep", "sea"]
    assert part.text.startswith("… ")
    assert part.text.endswith(" …")
    assert snippet("short", parse_query("absent"), 60).text == "short"
    assert list(snippet("whaleswhales", parse_query("ales"), 60).marks) == [(2, 6), (8, 12)]
