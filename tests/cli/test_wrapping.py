"""Text is indented and broken between words, however it comes in."""

from hypothesis import given
from hypothesis import strategies as st

from gptoss.cli.widths import width_of
from gptoss.cli.wrapping import Wrapper

WIDTH = 24
texts = st.lists(st.text(st.sampled_from("ab \n\té字,") | st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))


def wrapped(pieces: list[str], width: int = WIDTH) -> str:
    wrapper = Wrapper("  ", lambda: width)
    return "".join([*map(wrapper.push, pieces), wrapper.flush()])


@given(texts)
def test_only_spaces_and_line_breaks_change(pieces: list[str]) -> None:
    assert "".join(wrapped(pieces).split()) == "".join("".join(pieces).split())


@given(texts)
def test_it_does_not_matter_how_the_text_is_cut_into_pieces(pieces: list[str]) -> None:
    assert wrapped(pieces) == wrapped(["".join(pieces)])


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=12)))
def test_lines_of_words_fit(words: list[str]) -> None:
    lines = wrapped([" ".join(words)]).split("\n")
    assert all(width_of(line) <= WIDTH for line in lines)
    assert all(line.startswith("  ") for line in lines if line)


def test_words_move_to_the_next_line_as_a_whole() -> None:
    assert wrapped(["The quick", " brown f", "ox jumps", " over."]) == "  The quick brown fox\n  jumps over."
    assert wrapped(["日本語日本語日本語日本語日本語"]) == "  日本語日本語日本語日本\n  語日本語"


def test_a_word_that_fits_no_line_is_left_to_the_terminal() -> None:
    assert wrapped(["a " + "x" * 40]) == "  a\n  " + "x" * 40


def test_code_and_tables_keep_their_lines() -> None:
    for text in (
        "```python\nprint('a line that is longer than the window is wide')\n```\nand prose",
        "| a cell | another cell | a third one |\n| a | b | c |",
    ):
        assert wrapped([text]) == "\n".join("  " + line for line in text.split("\n"))
    assert wrapped(["```\nx\n```\nprose is broken as it was before"]).endswith("prose is broken as it\n  was before")


@given(texts)
def test_without_a_width_only_the_indentation_is_added(pieces: list[str]) -> None:
    text = "".join(pieces)
    for width in (0, 10):
        expected = "\n".join("  " + line if line else line for line in text.split("\n"))
        assert wrapped(pieces, width) == expected
