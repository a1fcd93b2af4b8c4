"""What is on the screen: wide characters, narrow windows, windows that change, much text at once, each key."""

import io
import json
from contextlib import suppress
from pathlib import Path

import pexpect
import pyte

from tests.cli.conftest import Run, greeting
from tests.cli.terminals import CTRL_C, ENTER, PROMPT, Open, leave, plain, say

PASTE, PASTED = "\x1b[200~", "\x1b[201~"
CTRL_G, CTRL_J, CTRL_R, TAB, UP = "\x07", "\n", "\x12", "\t", "\x1b[A"

SENTENCE = "Words that are long enough to be broken somewhere on a terminal of only forty columns"
CHINESE = "中文没有空格所以可以在任何两个字符之间换行而且永远不会超出终端的边界"


def _screen(text: str, columns: int) -> list[str]:
    """The lines that a terminal of so many columns shows when it gets a text."""
    screen = pyte.Screen(columns, 150)
    pyte.Stream(screen).feed(text)
    return [line.rstrip() for line in screen.display]


def test_forty_columns_and_wide_characters(terminal: Open, gptoss: Run) -> None:
    """Nothing is wider than the window; sentences, our own too, are broken between words only."""
    answer = f"# 你好\n\n{SENTENCE}, {CHINESE}, and emoji 😀.\n\n- one\n- two\n"
    child = terminal("--session", "a", replies=[greeting(answer, f"嗯。{SENTENCE}")])
    shown = child.logfile_read = io.StringIO()
    child.setwinsize(30, 40)
    say(child, "/help undo")
    say(child, "/nonsense")
    say(child, "你好 👩‍👩‍👧 😀")
    child.expect_exact("two")
    say(child, "/sessions")
    leave(child)
    lines = _screen(shown.getvalue(), 40)
    for line in (
        "/undo [N]",
        "    go back to before the last turn, or",
        "gptoss: there is no command /nonsense;",
        "/help lists them (a space before it",
        "makes it a message)",
        "你好",
        " • two",
        "NAME  LAST USED         MESSAGES",
    ):
        assert line in lines
    words = [word for line in lines for word in line.split()]
    assert set(SENTENCE.split()) <= set(words)
    assert CHINESE in "".join(lines)
    assert "> 你好 👩‍👩‍👧 😀\n" in gptoss("export", "a").stdout


def test_a_window_that_changes_while_an_answer_is_written(terminal: Open) -> None:
    paragraph = "and then " * 30
    child = terminal(replies=[greeting(f"{paragraph}\n\n{paragraph}\n\n{paragraph}", "Hm.")], delay=0.005)
    say(child, "Tell me a story")
    child.expect_exact("and then\r\n")
    child.setwinsize(30, 40)
    child.expect_exact(PROMPT)
    written = [line for line in plain(child.before or "").split("\n") if line.startswith("and then")]
    assert 40 < max(map(len, written[:3])) <= 100
    assert max(map(len, written[-4:])) <= 40
    child.send("/exit" + ENTER)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_every_key(terminal: Open, gptoss: Run, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\necho "from the editor" > "$1"\n')
    editor.chmod(0o755)
    thought = "<|channel|>analysis<|message|>I only think.<|return|>"
    replies = [greeting(f"Answer {number}.", f"Thought {number}.") for number in range(1, 6)]
    child = terminal("--session", "a", replies=[*replies, thought], env={"EDITOR": str(editor), "VISUAL": ""})

    lines = "".join(f"line {number}\tof the paste\n" for number in range(500))
    child.expect_exact(PROMPT)
    for begin in range(0, len(lines), 1000):
        piece = lines[begin : begin + 1000]
        child.send(PASTE * (begin == 0) + piece + PASTED * (begin + 1000 >= len(lines)))
        with suppress(pexpect.TIMEOUT):  # the terminal writes while it reads
            child.read_nonblocking(100_000, 0)
    child.send(ENTER)
    child.expect_exact("Answer 1.")
    say(child, "one" + CTRL_J + "two")
    child.expect_exact("Answer 2.")

    child.expect_exact(PROMPT)
    child.send(CTRL_R + "on" + ENTER)  # takes what was found into the line
    child.expect_exact("two")
    child.send(ENTER)
    child.expect_exact("Answer 3.")
    child.expect_exact(PROMPT)
    child.send(CTRL_G)
    child.expect_exact("from the editor")
    child.send(ENTER)
    child.expect_exact("Answer 4.")

    say(child, "/think hide")
    child.expect_exact("Reasoning is hidden.")
    say(child, "half a line" + CTRL_C + "Go on")
    child.expect_exact("Answer 5.")
    assert "Thought" not in (child.before or "")
    child.expect_exact(PROMPT)
    child.send("/thi" + TAB + " sh" + TAB + ENTER)
    child.expect(r"Thought\S* 5\.")
    child.expect_exact(PROMPT)
    child.send(UP + UP + ENTER)  # "/think show" and before it "Go on"
    child.expect_exact("The model ended its turn without an answer; /retry asks it again.")
    leave(child)

    messages = json.loads(gptoss("export", "a", "--format", "json").stdout)["messages"]
    said = [message["content"] for message in messages if message["role"] == "user"]
    assert said == [lines.strip(), "one\ntwo", "one\ntwo", "from the editor", "Go on", "Go on"]


def test_ctrl_z_suspends_and_fg_goes_on(environment: dict[str, str], terminal: Open) -> None:
    """In a shell, which alone can bring it back."""
    child = terminal("--session", "a", replies=[greeting("Hello!")])
    command = " ".join(map(_word, child.args))
    variables = dict(child.env or {})
    child.close(force=True)
    shell = pexpect.spawn("bash", ["--norc", "--noprofile"], env=variables, encoding="utf-8", timeout=60)
    shell.sendline(f"PS1='ready$ '; {command}")
    shell.expect_exact(PROMPT)
    shell.send("Half a \x1a")
    shell.expect_exact("Stopped")
    shell.expect_exact("ready$ ")
    shell.sendline("fg")
    shell.expect_exact(PROMPT)
    shell.send("line" + ENTER)
    shell.expect_exact("Hello!")
    shell.close(force=True)


def _word(argument: str | bytes) -> str:
    return argument.decode() if isinstance(argument, bytes) else argument
