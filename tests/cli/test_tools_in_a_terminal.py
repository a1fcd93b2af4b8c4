"""Tools in a dialogue: what is asked, shown and stopped at a terminal."""

from pathlib import Path

from tests.cli.conftest import Run, greeting
from tests.cli.terminals import CTRL_C, ENTER, PROMPT, Open, leave, say
from tests.cli.test_tools import PATCH, call
from tests.tools.python.notebooks import needs_sandbox

MAKE = [call("functions.apply_patch", PATCH, "commentary"), greeting("So be it.")]


def test_a_patch_is_shown_in_colour_and_waits_for_a_yes(terminal: Open, tmp_path: Path) -> None:
    child = terminal("-a", "--confirm", "--workspace", str(tmp_path), replies=[*MAKE, *MAKE, *MAKE])
    child.expect_exact("tools apply_patch · workspace")
    child.expect_exact(str(tmp_path))  # where it is too long for the line, on the next one
    say(child, "Make a list")
    child.expect_exact("+++ b/todo.txt")
    child.expect_exact("\x1b[32m    +milk")
    child.expect_exact("Apply this patch? [y/N]")
    child.send("n" + ENTER)
    child.expect_exact("the user looked at the patch and declined it")
    child.expect_exact("So be it.")
    assert not (tmp_path / "todo.txt").exists()
    say(child, "Again")
    child.expect_exact("Apply this patch? [y/N]")
    child.send(CTRL_C)
    child.expect_exact("the user interrupted this tool")
    assert not (tmp_path / "todo.txt").exists()
    say(child, "/continue")
    child.expect_exact("So be it.")
    say(child, "Once more")
    child.expect_exact("Apply this patch? [y/N]")
    child.send("y" + ENTER)
    child.expect_exact("A todo.txt")
    child.expect_exact("So be it.")
    assert (tmp_path / "todo.txt").read_text() == "milk\n"
    leave(child)


def test_a_session_that_is_changed_to_says_where_its_patches_go(
    terminal: Open, gptoss: Run, database: Path, tmp_path: Path
) -> None:
    gptoss("chat", "-a", "-p", "--session", "p1", "Hi", replies=[greeting("Hello.")])
    child = terminal("--session", "a", "--workspace", str(tmp_path), "--python-backend", "unsafe-local")
    say(child, "/resume p1")
    child.expect_exact("This is the session p1.")
    child.expect_exact("tools python, apply_patch · workspace")
    child.expect_exact(str(tmp_path))
    child.expect_exact("Python runs without a sandbox")
    say(child, "/resume a")
    child.expect_exact("This is the session a.")
    assert "workspace" not in leave(child)


def test_a_branch_with_other_tools_says_so(terminal: Open, gptoss: Run, tmp_path: Path) -> None:
    gptoss("chat", "--session", "a", "Hi", replies=[greeting("Hello.")])
    gptoss("branch", "a", "--at", "t1", "--as", "patching")
    gptoss("chat", "-a", "--session", "a", "Hi", replies=[greeting("Hello.")])
    gptoss("switch", "a", "main")
    child = terminal("--session", "a", "--workspace", str(tmp_path))
    say(child, "/switch patching")
    child.expect_exact("This is the branch patching.")
    child.expect_exact("tools apply_patch · workspace")
    say(child, "/switch main")
    child.expect_exact("This is the branch main.")
    assert "workspace" not in leave(child)


def test_one_question_asks_too(terminal: Open, tmp_path: Path) -> None:
    child = terminal("-a", "--confirm", "--workspace", str(tmp_path), "Make a list", replies=MAKE)
    child.expect_exact("Apply this patch? [y/N]")
    child.send("yes" + ENTER)
    child.expect_exact("So be it.")
    assert (tmp_path / "todo.txt").read_text() == "milk\n"


@needs_sandbox
def test_ctrl_c_stops_a_tool_and_the_conversation_goes_on(terminal: Open, gptoss: Run) -> None:
    loop = call("python", "x = 41\nprint('begun')\nwhile True: pass")
    replies = [loop, call("python", "print(x + 1)"), greeting("It is 42.")]
    child = terminal("-p", "--session", "a", replies=replies)
    say(child, "Loop")
    child.expect_exact("while True: pass")
    # The kernel starts meanwhile; stopping it while it does is as good.
    child.send(CTRL_C)
    child.expect_exact("the user interrupted this tool")
    child.expect_exact(PROMPT)
    exported = gptoss("export", "a").stdout
    assert "while True: pass" in exported
    assert "interrupted" in exported
    child.send("And now?" + ENTER)
    child.expect_exact("It is 42.")
    leave(child)
    assert child.exitstatus == 0


def test_a_page_cannot_speak_to_the_terminal(terminal: Open, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "bad.md").write_text("# Bad\n\ndragon \x1b]0;owned\x07 \x9b2J\n")
    replies = [call("browser.search", '{"query": "dragon\\u001b[2J"}'), greeting("Read\x1b]0;owned\x07 it【0†L4】.")]
    child = terminal("-b", "--browser-source", str(notes), "--show-browser-results", replies=replies)
    say(child, "Look")
    child.expect_exact("it[1].")
    shown = (child.before or "") + leave(child)
    assert "owned" in shown
    for sequence in ("\x1b]0;owned", "\x9b", "\x07"):
        assert sequence not in shown
