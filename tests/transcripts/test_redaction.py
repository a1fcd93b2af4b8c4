"""Secrets, home folders and names go; what only looks a little like them stays."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.engine.events import GenerationFinished
from gptoss.engine.settings import Settings
from gptoss.transcripts.redaction import Redactor

KEY = "sk-proj-" + "a1B2" * 8


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"use {KEY}.", KEY),
        ("ghp_" + "a1" * 18, "a1a1a1"),
        ("AKIA" + "ABCD1234" * 2, "ABCD1234"),
        ("hf_" + "aB3" * 10, "aB3aB3"),
        ("Authorization: Bearer abcdefgh12345678ijkl", "abcdefgh12345678ijkl"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("postgresql://ada:correct-horse@db.example/x", "correct-horse"),
        ("password = 'hunter22'", "hunter22"),
        ('{"api_key": "0123456789abcdef"}', "0123456789abcdef"),
        ("export DB_PASSWORD=swordfish", "swordfish"),
        ("https://x.example/?token=0123456789", "0123456789"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\nNza\n-----END OPENSSH PRIVATE KEY-----\n", "b3Blbn"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "cut off"),
        ("in /home/grace/notes", "grace"),
        ("C:\\Users\\grace\\notes", "grace"),
        ("file:///Users/grace", "grace"),
        ("It is in /home/grace. Or `/home/grace`?", "grace"),
    ],
)
def test_what_goes(text: str, secret: str) -> None:
    redactor = Redactor()
    assert secret not in redactor.text(text)
    assert redactor.removed
    assert secret not in str(redactor.removed) or "grace" in secret


@pytest.mark.parametrize(
    "text",
    [
        "The tokens: 12, and the secret of life is 42.",
        "https://example.com:8080/a@b",
        "sk-learn is a library; task-oriented",
        "Passwords are hard.",
        "/home is a folder, /usr/share another",
        "a basic question, bearer of news",
        "print(1 + 1)",
    ],
)
def test_what_stays(text: str) -> None:
    redactor = Redactor()
    assert redactor.text(text) == text
    assert redactor.removed == []


def test_a_name_that_a_folder_gives_away_goes_everywhere() -> None:
    redactor = Redactor(["ada"])
    redactor.learn("see /home/grace/x and /home/user/y")
    assert redactor.text("grace and Ada, ada and disgrace, user") == "[user] and Ada, [user] and disgrace, user"
    assert redactor.removed == ["user name ada", "user name grace"]


def test_a_password_that_was_called_one_goes_everywhere() -> None:
    redactor = Redactor()
    redactor.learn("My password: hunter2. The other password: incorrect")
    assert redactor.text("Your password is hunter2, not hunter22.") == (
        "Your password is [password or key removed], not hunter22."
    )
    assert redactor.text("That is incorrect.") == "That is incorrect."


def test_identifiers_are_no_secrets() -> None:
    settings = Settings(start_date="2026-01-02", checkpoint="/home/grace/model", developer_message=f"token={KEY}")
    redacted = Redactor().value(settings, Settings)
    assert redacted.checkpoint == "~/model"
    assert redacted.developer_message == "token=[API key removed]"
    assert redacted.start_date == "2026-01-02"


def test_whoever_is_called_like_a_word_of_ours_is_no_trouble() -> None:
    assert Redactor(["low", "trim"]).value(Settings(start_date="2026-01-02"), Settings).reasoning_effort == "low"
    finished = GenerationFinished(reason="stop", error="stop said stop")
    assert Redactor(["stop"]).value(finished, GenerationFinished).error == "[user] said [user]"


text = st.lists(st.sampled_from([KEY, "/home/grace/", " ", "password: hunter22", "ada", "ä", "x"]), max_size=8)


@given(parts=text, cuts=st.lists(st.integers(0, 200), max_size=10))
def test_pieces_are_redacted_as_the_whole(parts: list[str], cuts: list[int]) -> None:
    whole = "".join(parts)
    at = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[a:b] for a, b in pairwise(at)]
    redacted = Redactor(["ada"]).pieces(pieces)
    assert len(redacted) == len(pieces)
    assert "".join(redacted) == Redactor(["ada"]).text(whole)
