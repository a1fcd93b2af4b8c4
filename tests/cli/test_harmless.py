"""No control sequence reaches a terminal, and nothing else is touched."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gptoss.cli.harmless import harmless

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\n\t"]


@given(st.text(st.characters() | st.sampled_from(CONTROLS) | st.sampled_from(OVERRIDES)))
def test_what_comes_out_holds_no_control_character_and_can_be_encoded(text: str) -> None:
    shown = harmless(text)
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    assert not set(shown) & set(OVERRIDES)
    shown.encode()


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]) | st.sampled_from("\n\t\u200d")))
def test_text_newlines_and_tabs_are_left_alone(text: str) -> None:
    assert harmless(text) == text


@given(st.text(), st.text())
def test_it_may_be_applied_piece_by_piece(one: str, other: str) -> None:
    assert harmless(one) + harmless(other) == harmless(one + other)


def test_what_is_taken_out_stays_visible() -> None:
    assert harmless("a\x1b]0;title\x07b\x9b2J\r\x7f\u202e") == "a␛]0;title␇b\\x9b2J␍␡\\u202e"
