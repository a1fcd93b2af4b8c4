"""What sessions may be called."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.cli.names import checked_name, new_name, resume_command
from gptoss.engine.errors import UsageError


@pytest.mark.parametrize("name", ["a", "Ada's notes", "会議 3", "x/../y", "👩‍💻", "*", "é" * 100, "a-b", "a;rm -rf"])
def test_any_printable_text_is_a_name(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "-a", "--help", "a\nb", "\x1b[2J", "a\x00", "\u202eabc", "a" * 101, "\ud800"]
)
def test_anything_else_is_refused_with_a_sentence(name: str) -> None:
    with pytest.raises(UsageError, match=r"^a session name "):
        checked_name(name)


def test_new_names_are_free_and_valid() -> None:
    seen: set[str] = set()
    for _ in range(3000):  # more than a third of all pairs of words, so some come twice
        name = checked_name(new_name(seen.__contains__))
        assert name not in seen
        seen.add(name)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda name: name[0] != "-"))
def test_the_command_to_resume_survives_a_shell(name: str) -> None:
    assert shlex.split(resume_command(name)) == ["gptoss", "chat", "--session", name]
