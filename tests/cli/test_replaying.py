"""`gptoss replay`, `verify` and `tail`: looking at a session again, from a pipe and from a terminal."""

import json
import re
import sqlite3
from pathlib import Path

import pexpect
import pytest

from gptoss.cli.stepping import Stepper, status
from tests.cli.conftest import Run, driver, greeting


@pytest.fixture
def chatted(gptoss: Run, database: Path) -> Path:
    """The session "a" with two turns more."""
    for text, answer in (("And you?", "Fine."), ("Bye", "See you!")):
        assert gptoss("chat", "--session", "a", text, replies=[greeting(answer)]).returncode == 0
    return database


def test_a_part_of_it_is_shown(gptoss: Run, chatted: Path) -> None:
    whole = gptoss("replay", "a", "--speed", "0").stdout
    assert [whole.index(text) for text in ("> Hi", "Hello!", "> And you?", "Fine.", "> Bye", "See you!")] == sorted(
        whole.index(text) for text in ("> Hi", "Hello!", "> And you?", "Fine.", "> Bye", "See you!")
    )
    first = gptoss("replay", "a", "--speed", "0", "--until", "t1").stdout
    assert "Hello!" in first
    assert "And you?" not in first
    rest = gptoss("replay", "a", "--speed", "0", "--from", "11").stdout
    assert "And you?" not in rest.replace("> And you?", "")
    assert "See you!" in rest
    assert "Hello!" not in rest


def test_a_branch_is_shown_and_the_current_one_otherwise(gptoss: Run, chatted: Path) -> None:
    assert gptoss("branch", "a", "--at", "t1", "--as", "idea").returncode == 0
    assert "Fine." not in gptoss("replay", "a", "--speed", "0").stdout
    assert "Fine." in gptoss("replay", "a", "--speed", "0", "--branch", "main").stdout
    wrong = gptoss("replay", "a", "--branch", "nowhere")
    assert (wrong.returncode, "it has idea, main" in wrong.stderr) == (2, True)


def test_the_state_says_what_a_model_saw(gptoss: Run, chatted: Path) -> None:
    shown = gptoss("replay", "a", "--state").stdout
    assert "no: reasoning of an earlier turn" in shown
    assert "<|start|>user<|message|>And you?<|end|>" in shown
    then = json.loads(gptoss("replay", "a", "--state", "--at", "3", "--json").stdout)
    assert [message["text"] for message in then["messages"]] == ["Hi"]
    sources = [segment["source"] for segment in then["prompt"]["segments"]]
    assert sources == ["system", "rendered", "cue"]
    started = then["state"]["generation"]["started"]
    assert (started["prompt_hash"], started["prompt_length"]) == (then["prompt"]["hash"], then["prompt"]["tokens"])
    ids = [token for segment in then["prompt"]["segments"] for token in segment["ids"]]
    assert len(ids) == then["prompt"]["tokens"]


def test_two_states_are_compared(gptoss: Run, chatted: Path) -> None:
    shown = gptoss("replay", "a", "--diff", "2", "t1").stdout
    assert "+" in shown
    assert "final: Hello!" in shown
    assert re.search(r"prompt: \d+ → \d+ tokens, the first \d+ are the same", shown)
    assert gptoss("replay", "a", "--diff", "2", "99").returncode == 2


def test_only_one_thing_at_a_time(gptoss: Run, chatted: Path) -> None:
    done = gptoss("replay", "a", "--state", "--verify")
    assert (done.returncode, "choose one" in done.stderr) == (2, True)


def test_a_sound_log_is_said_to_be_and_an_altered_one_is_not(gptoss: Run, chatted: Path) -> None:
    for command in (("verify",), ("verify", "a"), ("replay", "a", "--verify")):
        done = gptoss(*command)
        assert (done.returncode, "a, branch main: sound" in done.stdout) == (0, True), command
    with sqlite3.connect(chatted) as raw:
        raw.execute("UPDATE events SET payload = replace(payload, 'Fine.', 'Bad..') WHERE payload LIKE '%Fine.%'")
    raw.close()
    for command in (("verify",), ("verify", "a"), ("replay", "a", "--verify")):
        done = gptoss(*command)
        assert done.returncode == 1, command
        assert "(chain)" in done.stdout
        assert "readable up to event" in done.stdout
    facts = json.loads(gptoss("verify", "a", "--json").stdout)
    assert (facts["sound"], facts["drift"]["layer"]) == (False, "chain")


def test_the_same_model_reruns_the_same(gptoss: Run, chatted: Path) -> None:
    replies = [greeting("Hello!"), greeting("Fine."), greeting("See you!")]
    same = gptoss("replay", "a", "--rerun", replies=replies)
    assert (same.returncode, "3 identical, 0 differ" in same.stdout) == (0, True)
    other = gptoss("replay", "a", "--rerun", replies=[*replies[:1], greeting("Bad."), *replies[2:]])
    assert (other.returncode, "2 identical, 1 differ" in other.stdout) == (1, True)
    assert "'Fine' (-12.211) was recorded, now 'Bad' (-12.211)" in other.stdout
    assert "other arithmetic" not in other.stdout
    elsewhere = {"DRIVER_ARITHMETIC": "an abacus"}
    assert "other arithmetic" not in gptoss("replay", "a", "--rerun", replies=replies, env=elsewhere).stdout
    other = gptoss("replay", "a", "--rerun", replies=[*replies[:2], greeting("Bye.")], env=elsewhere)
    assert "sampled by other arithmetic (none) than now (an abacus), so differences are to be expected" in other.stdout
    lines = gptoss("replay", "a", "--rerun", "--json", replies=replies).stdout.splitlines()
    assert [json.loads(line)["identical"] for line in lines] == [True, True, True]


def test_turns_are_answered_anew_on_a_branch(gptoss: Run, chatted: Path) -> None:
    replies = [greeting("One."), greeting("Two."), greeting("Three.")]
    assert gptoss("replay", "a", "--rerun", "--as", "anew", replies=replies).returncode == 0
    assert "Fine." in gptoss("export", "a").stdout
    gptoss("switch", "a", "anew")
    exported = gptoss("export", "a").stdout
    assert [text in exported for text in ("And you?", "One.", "Two.", "Three.", "Fine.")] == [True] * 4 + [False]


def test_a_turn_is_answered_by_several_backends(gptoss: Run, chatted: Path) -> None:
    done = gptoss("replay", "a", "--at", "t2", "--fan-out", "one,two", replies=[greeting("Fine.")])
    assert done.returncode == 0
    assert "two answers as one does, token for token" in done.stdout
    assert {"t2-one", "t2-two"} <= {branch["branch"] for branch in json.loads(gptoss("tree", "a", "--json").stdout)}
    assert gptoss("replay", "a", "--at", "t9", "--fan-out", "one", replies=[]).returncode == 2


def test_every_token_is_scored(gptoss: Run, chatted: Path) -> None:
    shown = gptoss("replay", "a", "--score").stdout
    assert re.search(r"-12\.2115 +1 +12\.2115 +'Fine'", shown)
    assert "3 generations" in shown
    lines = gptoss("replay", "a", "--score", "--json").stdout.splitlines()
    assert all(token["rank"] == 1 for line in lines for token in json.loads(line)["tokens"])


def test_it_goes_by_keys_forward_and_back(environment: dict[str, str], chatted: Path) -> None:
    (python, *command), variables = driver(environment)
    child = pexpect.spawn(
        python, [*command, "replay", "a", "--step"], env=variables, encoding="utf-8", timeout=60, dimensions=(30, 80)
    )
    child.expect_exact("event 0 of")
    child.expect_exact("q leave")
    child.send("\x1b[C")  # →: the first message
    child.expect_exact("> Hi")
    child.send("t")  # to the end of the turn
    child.expect_exact("Hello!")
    child.expect(r"event (\d+) of \d+ · by turn")
    child.send(" ")
    child.expect_exact("Fine.")
    child.send("b")
    child.expect_exact("\x1b[2J")
    child.expect_exact("Hello!")
    child.expect_exact("by turn")
    child.send("q")
    child.expect(pexpect.EOF)
    assert "Fine." not in (child.before or "")
    child.close()
    assert child.exitstatus == 0


def test_how_to_leave_is_seen_however_narrow_the_window_is() -> None:
    stepper = Stepper([])
    stepper.stride = "generation"
    shown = {room: status(stepper, 99999, room) for room in range(7, 120)}
    assert all(len(text) <= room and text.endswith("q leave") for room, text in shown.items())
    assert all(len(shown[room]) <= len(shown[room + 1]) for room in range(7, 119))
    assert "e/m/g/t stride" in shown[79]
    assert "t turn" in shown[119]


def test_without_a_terminal_there_are_no_keys(gptoss: Run, chatted: Path) -> None:
    done = gptoss("replay", "a", "--step")
    assert (done.returncode, "--until" in done.stderr) == (2, True)


def test_a_session_is_followed_from_branch_to_branch(gptoss: Run, chatted: Path, environment: dict[str, str]) -> None:
    command, variables = driver(environment)
    (python, *words) = command
    child = pexpect.spawn(python, [*words, "tail", "a", "-n", "1"], env=variables, encoding="utf-8", timeout=60)
    child.expect_exact("Ctrl-C ends this.")
    child.expect_exact("See you!")
    assert "Fine." not in (child.before or "")
    gptoss("chat", "--session", "a", "More", replies=[greeting("More and more.")])
    child.expect_exact("More and more.")
    gptoss("undo", "a", "2")
    child.expect_exact("the branch branch-2 begins here")
    gptoss("chat", "--session", "a", "Another", replies=[greeting("Another one.")])
    child.expect_exact("Another one.")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_what_there_is_can_be_had_without_waiting(gptoss: Run, chatted: Path) -> None:
    shown = gptoss("tail", "a", "--no-follow", "-n", "2").stdout
    assert [text in shown for text in ("Hello!", "Fine.", "See you!")] == [False, True, True]
