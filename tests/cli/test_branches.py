"""Forks, undo and the way back, as they are typed."""

import json
import re
from pathlib import Path

from tests.cli.conftest import Run, greeting


def say(gptoss: Run, text: str, answer: str) -> None:
    assert gptoss("chat", "--session", "a", text, replies=[greeting(answer)]).returncode == 0


def test_undo_goes_back_and_switch_finds_the_way_again(gptoss: Run, database: Path) -> None:
    say(gptoss, "And you?", "Fine.")
    undone = gptoss("undo", "a")
    assert undone.returncode == 0
    assert "The last turn is undone" in undone.stdout
    assert "gptoss switch a main" in undone.stdout
    assert "Fine." not in gptoss("export", "a").stdout
    say(gptoss, "What now?", "Tea.")
    shown = re.sub(r"  ·\d+|event \d+", "", gptoss("tree", "a").stdout)
    assert shown.splitlines() == [
        "main",
        "├ 1. Hi",
        "├─ branch-2  (forked at )  ← current",
        "│  └ 2. What now?",
        "└ 2. And you?",
    ]
    assert gptoss("switch", "a", "main").returncode == 0
    assert "Fine." in gptoss("export", "a").stdout
    assert "already" in gptoss("switch", "a", "main").stdout


def test_a_branch_begins_where_it_is_told_to(gptoss: Run, database: Path) -> None:
    say(gptoss, "And you?", "Fine.")
    assert gptoss("branch", "a", "--at", "t1", "--as", "idea").returncode == 0
    (main, idea) = json.loads(gptoss("tree", "a", "--json").stdout)
    assert (main["turns"], idea["turns"], idea["current"]) == (2, 1, True)
    assert main["head"] > idea["forked_at"]


def test_what_cannot_be_is_said_in_a_sentence(gptoss: Run, database: Path) -> None:
    for words, expected in {
        ("branch", "a", "--at", "t9"): "there is no turn 9",
        ("branch", "a", "--at", "soon"): "no point in a session",
        ("branch", "a", "--as", "main"): "main",
        ("undo", "a", "5"): "not 5",
        ("undo", "a", "0"): "not 0",
        ("switch", "a", "nowhere"): "no branch",
        ("tree", "b"): "no session",
    }.items():
        done = gptoss(*words)
        assert done.returncode == 2, words
        assert expected in done.stderr, words
        assert done.stderr.count("\n") == 1
