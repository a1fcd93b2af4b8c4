"""Paragraphs that need no rich look as rich would have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gptoss.cli.laid_out import LaidOut
from gptoss.cli.paragraph import paragraph, plain

PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")

PIECES = [
    *("word", "a", "it’s", "“said”", "Ωμέγα", "naïve – so…", "abcdefghijklmnopqrstuvwxyz", "x" * 90, "1.", "-", "#"),
    *(
        "**",
        "*",
        "~~",
        "`",
        "``",
        "_",
        "__",
        "***",
        "\\*",
        "&amp;",
        "&nbsp;",
        "!",
        "[a](b)",
        "<b>",
        "字",
        "👍🏽",
        "\u0301",
    ),
    *(" ", " ", "  ", "\n", "  \n", "\\\n", "\t"),
]


def stripped(lines: str) -> list[str]:
    return [line.rstrip() for line in lines.split("\n")]


def check(text: str, width: int) -> None:
    laid_out = paragraph(PARSER.parse(text), width)
    if laid_out is not None:
        assert stripped(laid_out) == stripped(LaidOut(width).lines(PARSER.parse(text)))


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.integers(1, 100))
def test_it_is_what_rich_makes_of_it(text: str, width: int) -> None:
    check(text, width)


@given(st.text(st.characters(max_codepoint=0x2100, exclude_categories=["Cc", "Cs"]), max_size=60), st.integers(1, 30))
def test_a_character_takes_the_columns_that_rich_gives_it(text: str, width: int) -> None:
    check(text, width)


@given(st.lists(st.sampled_from([piece for piece in PIECES if "\n" not in piece]), max_size=40).map("".join))
def test_a_line_that_begins_with_a_letter_can_only_be_a_paragraph(text: str) -> None:
    inline, whole = PARSER.parseInline(f"a{text}".strip()), PARSER.parse(f"a{text}\n")
    assert paragraph(inline, 30) == paragraph(whole, 30)
    assert [token.type for token in whole] == ["paragraph_open", "inline", "paragraph_close"]


def test_a_paragraph_is_broken_between_words() -> None:
    tokens = PARSER.parse("The **quick brown** fox\njumps `over` an *extra**ordinarily*** lazy dog.")
    assert paragraph(tokens, 12) == (
        "The \x1b[1mquick \x1b[0m\n"
        "\x1b[1mbrown\x1b[0m fox\n"
        "jumps \x1b[36mover\x1b[0m \n"
        "an \n"
        "\x1b[3mextra\x1b[0m\x1b[1;3mordinar\x1b[0m\n"
        "\x1b[1;3mily\x1b[0m lazy \n"
        "dog.\n"
    )


@pytest.mark.parametrize("text", ["# Title", "- item", "one\n\ntwo", "a [link](there)", "字", "`x\u0301`", "a\tb", ""])
def test_anything_else_is_left_to_rich(text: str) -> None:
    assert paragraph(PARSER.parse(text), 80) is None


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2100), max_size=60), st.integers(1, 100))
def test_a_line_without_marks_needs_no_parser(text: str, width: int) -> None:
    line = f"a{text}".strip()
    laid_out = plain(line, width)
    assert laid_out in (None, paragraph(PARSER.parseInline(line), width))
    assert (laid_out is None) or not set(line) & set("*_`~[]!<>&\\#|")


def test_most_lines_are_without_marks() -> None:
    assert plain("It is (as ever) 50% of 1/2, isn't it?", 20) == "It is (as ever) 50% \nof 1/2, isn't it?\n"
