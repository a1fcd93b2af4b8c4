"""The dialogue in a real terminal: a pty, keys and what is on the screen."""

import re
import signal
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import Run, greeting
from tests.cli.terminals import ALT_ENTER, CTRL_C, CTRL_D, ENTER, PROMPT, Open, leave, plain, say

STORY = greeting("Once upon a time, " + "and then " * 100 + "the end.")


def test_a_dialogue(terminal: Open, gptoss: Run) -> None:
    child = terminal(replies=[greeting("Hi, Ada!"), greeting("You are Ada.")])
    child.expect(r"session (\S+) · embedded demo model · reasoning low")
    name = child.match.group(1)
    child.expect_exact(f"To come back: gptoss chat --session {name}")
    say(child, "I am Ada.")
    child.expect_exact("thinking")
    child.expect_exact("Hi, Ada!")
    say(child, "Who am I?")
    child.expect_exact("You are Ada.")
    assert f"gptoss chat --session {name}" in leave(child)
    assert child.exitstatus == 0
    assert f"{name}  " in gptoss("sessions", "list").stdout


def test_whoever_says_nothing_leaves_no_trace(terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a")
    leave(child)
    assert gptoss("sessions", "list", "--json").stdout == "[]\n"


def test_alt_enter_begins_a_new_line(terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a", replies=[greeting("Two lines.")])
    child.expect_exact(PROMPT)
    child.send("one" + ALT_ENTER + "two" + ENTER)
    child.expect_exact("Two lines.")
    leave(child)
    assert "> one\n> two\n" in gptoss("export", "a").stdout


def test_what_was_typed_is_remembered_in_another_process(terminal: Open, gptoss: Run, tmp_path: Path) -> None:
    child = terminal(replies=[greeting("Yes.")])
    say(child, "Remember this line")
    child.expect_exact("Yes.")
    leave(child)
    child = terminal("--session", "b", replies=[greeting("Again.")])
    child.expect_exact(PROMPT)
    child.send("\x1b[A" + ENTER)
    child.expect_exact("Again.")
    leave(child)
    assert "> Remember this line" in gptoss("export", "b").stdout
    assert (tmp_path / "home" / "history").stat().st_mode & 0o777 == 0o600


def test_ctrl_c_stops_the_answer_and_continue_goes_on(terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a", replies=[STORY, STORY], delay=0.02)
    say(child, "Tell me a story")
    child.expect_exact("and then and then")
    child.send(CTRL_C)
    child.expect_exact("stopped: what was said is kept, /continue goes on")
    partial = gptoss("export", "a").stdout
    assert "The user stopped the answer here." in partial
    assert "the end." not in partial
    say(child, "/continue")
    child.expect_exact("…")
    child.expect_exact("the end.")
    assert "Once upon a time" not in plain(child.before or "")
    leave(child)
    assert child.exitstatus == 0
    assert "and then " * 100 + "the end." in gptoss("export", "a").stdout


def test_the_second_ctrl_c_leaves(terminal: Open, gptoss: Run) -> None:
    """The model takes so long for one token that the first has no effect yet."""
    child = terminal("--session", "a", replies=[STORY], delay=1.0)
    say(child, "Tell me a story")
    child.expect_exact("thinking")
    child.send(CTRL_C)
    child.send(CTRL_C)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in (child.before or "")
    assert "Tell me a story" in gptoss("export", "a").stdout


def test_ctrl_c_at_the_prompt_drops_what_was_typed_and_then_is_a_hint(terminal: Open) -> None:
    child = terminal()
    child.expect_exact(PROMPT)
    child.send("half a li" + CTRL_C)
    child.expect_exact(PROMPT)
    assert "leaves" not in (child.before or "")
    child.send("\x1b[A")
    child.expect_exact("half a li")
    child.send(CTRL_C)
    child.expect_exact(PROMPT)
    child.send(CTRL_C)
    child.expect_exact("Ctrl-D or /exit leaves.")
    say(child, "/help")
    child.expect(r"/continue +go on")
    say(child, "/nonsense")
    child.expect_exact("there is no command /nonsense")
    say(child, "/continue")
    child.expect_exact("There is nothing to go on with")
    say(child, "/exit")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_resuming_shows_the_last_turns(terminal: Open, gptoss: Run) -> None:
    for number in range(3):
        gptoss("chat", "--session", "a", f"Question {number}", replies=[greeting(f"Answer {number}", "Secret.")])
    child = terminal("--session", "a", replies=[greeting("Welcome back.")])
    child.expect_exact("… 1 earlier turn")
    child.expect_exact("Question 1")
    child.expect_exact("Answer 2")
    assert "Secret" not in (child.before or "")
    say(child, "Hello again")
    child.expect_exact("Welcome back.")
    assert "Question 0" not in leave(child)


def test_after_kill_the_answer_goes_on_by_itself(terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a", replies=[STORY], delay=0.02)
    say(child, "Tell me a story")
    child.expect_exact("and then " * 10)  # tokens are in the log 100 ms after they are on the screen
    child.kill(signal.SIGKILL)
    child.wait()
    child = terminal("--session", "a", replies=[STORY])
    child.expect_exact("Once upon a time")
    child.expect_exact("The program was stopped in the middle of this answer. It goes on from the exact token:")
    child.expect_exact("the end.")
    leave(child)
    exported = gptoss("export", "a").stdout
    assert exported.count("Once upon a time, " + "and then " * 100 + "the end.") == 1


def test_a_question_that_was_never_answered_is_answered(terminal: Open, gptoss: Run) -> None:
    """As when the program is killed between the user's message and the first token."""
    child = terminal("--session", "a", replies=[STORY], delay=10)
    say(child, "Tell me a story")
    for _ in range(100):
        if "Tell me a story" in gptoss("sessions", "list").stdout:
            break
    child.kill(signal.SIGKILL)
    child.wait()
    child = terminal("--session", "a", replies=[greeting("A short one.")])
    child.expect_exact("The program was stopped")
    child.expect_exact("A short one.")
    leave(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_leave_keeps_the_partial_answer(terminal: Open, gptoss: Run, number: int) -> None:
    child = terminal("--session", "a", replies=[STORY], delay=0.02)
    say(child, "Tell me a story")
    child.expect_exact("and then and then")
    child.kill(number)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "The user stopped the answer here." in gptoss("export", "a").stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_leave_at_the_prompt(terminal: Open, number: int) -> None:
    child = terminal("--session", "a")
    child.expect_exact(PROMPT)
    child.kill(number)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert "Traceback" not in (child.before or "")


def test_a_plain_terminal_gets_plain_lines(terminal: Open) -> None:
    child = terminal("--session", "a", replies=[greeting("Hello!")], env={"TERM": "dumb"})
    child.expect_exact("> ")
    child.send("Hi\n")
    child.expect_exact("Hello!")
    assert "\x1b" not in (child.before or "")
    child.expect_exact("> ")
    child.send(CTRL_D)
    child.expect(pexpect.EOF)
    assert "\x1b" not in (child.before or "")


def test_no_colour_on_request(terminal: Open) -> None:
    child = terminal("--session", "a", replies=[greeting("Hello!")], env={"NO_COLOR": "1"})
    say(child, "Hi")
    child.expect_exact("Hello!")
    assert not re.search(r"\x1b\[[0-9;]*[1-9]m", child.before or "")
    leave(child)


def test_an_error_does_not_end_the_dialogue(terminal: Open) -> None:
    child = terminal("-c", "100", replies=[greeting("Still here.")])
    say(child, "word " * 150)
    child.expect_exact("gptoss: the conversation takes")
    say(child, "Hi")
    child.expect_exact("Still here.")
    leave(child)
    assert child.exitstatus == 0


def test_hostile_text_does_nothing(terminal: Open) -> None:
    child = terminal(replies=[greeting("\x1b]0;owned\x07\x1b[2Jdone", "\x9b31m")])
    say(child, "Hi")
    child.expect_exact("␛]0;owned␇␛[2Jdone")
    assert "\x1b]0;owned" not in (child.before or "")
    leave(child)


def test_what_is_typed_too_early_waits_for_the_prompt_and_does_not_show(terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a", replies=[STORY, greeting("Fine.")], delay=0.01)
    say(child, "Tell me a story")
    child.expect_exact("Once upon a time")
    child.send("And you?" + ENTER)
    child.expect_exact("the end.")
    assert "And you?" not in plain(child.before or "")
    child.expect_exact("Fine.")
    leave(child)
    assert "And you?" in gptoss("export", "a").stdout
