"""What can be typed into a chat beside messages, in a real terminal: each command does its operation on the log."""

import json
from base64 import b64encode
from pathlib import Path

from tests.cli.conftest import Run, greeting
from tests.cli.terminals import ALT_ENTER, ENTER, PROMPT, Open, leave, say


def test_undo_retry_and_the_way_back(terminal: Open, gptoss: Run) -> None:
    answers = ("Hello!", "Fine.", "Very well.", "Good.")
    child = terminal("--session", "a", replies=[greeting(answer) for answer in answers])
    say(child, "Hi")
    child.expect_exact("Hello!")
    say(child, "And you?")
    child.expect_exact("Fine.")
    say(child, "/retry")
    child.expect_exact("Very well.")
    say(child, "/undo")
    child.expect_exact("The last turn is undone; the way back: /switch branch-2")
    say(child, "What now?")
    child.expect_exact("Good.")
    say(child, "/tree")
    child.expect_exact("branch-3")
    child.expect_exact("← current")
    say(child, "/switch main")
    child.expect_exact("This is the branch main.")
    child.expect_exact("Fine.")
    say(child, "/undo 9")
    child.expect_exact("there are 2 turns to undo, not 9")
    leave(child)
    branches = {node["branch"]: node for node in json.loads(gptoss("tree", "a", "--json").stdout)}
    said = {name: [turn["text"] for turn in node["own_turns"]] for name, node in branches.items()}
    assert said == {"main": ["Hi", "And you?"], "branch-2": ["And you?"], "branch-3": ["What now?"]}
    assert branches["main"]["current"]
    assert "sound" in gptoss("verify", "a").stdout


def test_an_edited_message_is_sent_on_a_new_branch(terminal: Open, gptoss: Run, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/Peru/Chile/ "$1"\n')
    editor.chmod(0o755)
    replies = [greeting("Lima."), greeting("Santiago.")]
    child = terminal("--session", "a", replies=replies, env={"EDITOR": str(editor), "VISUAL": ""})
    say(child, "The capital of Peru?")
    child.expect_exact("Lima.")
    say(child, "/edit")
    child.expect_exact("> The capital of Chile?")
    child.expect_exact("Santiago.")
    say(child, "/edit")
    child.expect_exact("Nothing was changed.")
    leave(child)
    assert "Lima" not in gptoss("export", "a").stdout
    gptoss("switch", "a", "main")
    assert "Lima" in gptoss("export", "a").stdout


def test_what_a_session_is_set_to(terminal: Open, gptoss: Run) -> None:
    child = terminal(
        "--session", "a", replies=[greeting("One.", "Deep thoughts."), greeting("Two.", "Secret thoughts.")]
    )
    say(child, "/effort high")
    child.expect_exact("Reasoning effort: high")
    say(child, "/effort great")
    child.expect_exact("/effort is low, medium, high, not 'great'")
    say(child, "/system Be brief.")
    child.expect_exact("Developer message: Be brief.")
    say(child, "/tools python on")
    child.expect_exact("python on")
    say(child, "Hi")
    child.expect(r"Deep\S* thoughts")
    child.expect_exact("One.")
    say(child, "/think hide")
    child.expect_exact("Reasoning is hidden.")
    say(child, "More")
    child.expect_exact("… 2 words")
    child.expect_exact("Two.")
    assert "Secret" not in (child.before or "")
    say(child, "/tokens")
    child.expect(r"[\d,]+ of 8,192 tokens are used; 2 turns")
    child.expect(r"last answer: \d+ prompt tokens computed")
    say(child, "/copy")
    child.expect_exact("\x1b]52;c;" + b64encode(b"Two.").decode())
    say(child, "/tools python off")
    child.expect_exact("python off")
    say(child, "/system off")
    child.expect_exact("There is no developer message.")
    leave(child)
    settings = json.loads(gptoss("sessions", "show", "a", "--json").stdout)["settings"]
    assert (settings["reasoning_effort"], settings["developer_message"]) == ("high", "Be brief.")


def test_from_session_to_session(terminal: Open, gptoss: Run, tmp_path: Path) -> None:
    gptoss("chat", "--session", "other", "Elsewhere", replies=[greeting("Over there.")])
    child = terminal("--session", "a", replies=[greeting("Here."), greeting("Back.")])
    say(child, "Hi")
    child.expect_exact("Here.")
    say(child, "/rename here")
    child.expect_exact("This session is called here now.")
    say(child, "/rename other")
    child.expect_exact("other")
    say(child, f"/save {tmp_path}/chat.md")
    child.expect_exact("Written to")
    say(child, f"/export {tmp_path}/chat.json")
    child.expect_exact("Written to")
    say(child, f"/export {tmp_path}/chat.exe")
    child.expect_exact("file's ending")
    say(child, "/resume nowhere")
    child.expect_exact("nowhere")
    say(child, "/resume other")
    child.expect_exact("Over there.")
    say(child, "/search Here")
    child.expect_exact("here")
    say(child, "/sessions")
    child.expect_exact("MESSAGES")
    say(child, "Hello")
    child.expect_exact("Back.")
    say(child, "/clear")
    child.expect_exact("Nothing has been said here; the way back: /switch main")
    leave(child)
    assert "Here." in (tmp_path / "chat.md").read_text()
    assert json.loads((tmp_path / "chat.json").read_text())
    assert "Over there." not in gptoss("export", "other").stdout
    gptoss("switch", "other", "main")
    assert [text in gptoss("export", "other").stdout for text in ("Over there.", "Back.")] == [True, True]


def test_help_lists_everything_and_tab_completes(terminal: Open) -> None:
    child = terminal()
    say(child, "/help")
    for command in ("/exit", "/undo [N]", "/branch [SEQ|TURN] [NAME]", "/copy"):
        child.expect_exact(command)
    child.expect_exact(PROMPT)
    child.send("/eff\t")
    child.expect_exact("ort")
    child.send(" hi\t")
    child.send(ENTER)
    child.expect_exact("Reasoning effort: high")
    say(child, "/help undo")
    child.expect_exact("go back to before the last turn")
    say(child, '/branch "')
    child.expect_exact("without its other half")
    leave(child)


def test_a_message_may_have_many_lines(terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a", replies=[greeting("Three."), greeting("Two."), greeting("A path.")])
    say(child, '"""one' + ENTER + "two" + ENTER + 'three"""')
    child.expect_exact("Three.")
    say(child, "one" + ALT_ENTER + "two")
    child.expect_exact("Two.")
    say(child, "/etc/hosts is a file")
    child.expect_exact("A path.")
    leave(child)
    said = [line["content"] for line in json.loads(gptoss("export", "a", "--format", "json").stdout)["messages"]]
    assert [text for text in said if text in ("one\ntwo\nthree", "one\ntwo", "/etc/hosts is a file")] == [
        "one\ntwo\nthree",
        "one\ntwo",
        "/etc/hosts is a file",
    ]


def test_raw_mode_can_be_switched_on_and_off(terminal: Open) -> None:
    child = terminal("--session", "a", replies=[greeting("One."), greeting("Two.")])
    say(child, "/raw on")
    child.expect_exact("Raw mode is on.")
    say(child, "Hi")
    child.expect_exact("<|return|>")
    say(child, "/raw off")
    child.expect_exact("Raw mode is off.")
    say(child, "More")
    child.expect_exact("Two.")
    assert "<|" not in (child.before or "")
    leave(child)


def test_a_session_that_was_left_for_a_busy_one_is_held_again(terminal: Open, gptoss: Run) -> None:
    busy = terminal("--session", "busy", replies=[greeting("Mine.")])
    say(busy, "Hi")
    busy.expect_exact("Mine.")
    child = terminal("--session", "a", replies=[greeting("One."), greeting("Two.")])
    say(child, "Hi")
    child.expect_exact("One.")
    say(child, "/resume busy")
    child.expect_exact("This is the session busy.")
    say(child, "Hello")
    child.expect_exact("another process writes to this branch")
    say(child, "/resume a")
    child.expect_exact("This is the session a.")
    say(child, "Hello")
    child.expect_exact("Two.")
    child.expect_exact(PROMPT)
    refused = gptoss("chat", "--session", "a", "Me too", replies=[greeting("No.")])
    assert (refused.returncode, "another process" in refused.stderr) == (1, True)
