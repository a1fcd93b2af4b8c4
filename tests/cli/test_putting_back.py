"""Undo, and what becomes of the files that the undone turns changed."""

from pathlib import Path

import pytest

from gptoss.cli.bootstrap import Adapters
from tests.cli.conftest import Run, greeting
from tests.cli.terminals import ENTER, Open, leave, say
from tests.cli.test_tools import PATCH, call
from tests.tools.apply_patch.test_committing import DONE, EVERYTHING, FILES
from tests.tools.apply_patch.test_recovering import killed
from tests.tools.apply_patch.workspaces import apply, contents, write

MORE = "*** Begin Patch\n*** Update File: todo.txt\n@@\n milk\n+eggs\n*** End Patch"


@pytest.fixture
def workspace(gptoss: Run, tmp_path: Path) -> Path:
    """The workspace of the session "a", whose two turns have made a file and changed it."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    for patch in (PATCH, MORE):
        replies = [call("functions.apply_patch", patch, "commentary"), greeting("Done.")]
        gptoss("chat", "-a", "--workspace", str(folder), "--session", "a", "Please", replies=replies)
    assert (folder / "todo.txt").read_text() == "milk\neggs\n"
    return folder


def test_files_stay_unless_they_are_asked_for(gptoss: Run, workspace: Path) -> None:
    done = gptoss("undo", "a", "--workspace", str(workspace))
    assert "What was changed of files stays as it is: todo.txt" in done.stdout
    assert (workspace / "todo.txt").read_text() == "milk\neggs\n"


def test_files_go_back_with_their_turns(gptoss: Run, workspace: Path) -> None:
    done = gptoss("undo", "a", "--files", "--workspace", str(workspace))
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "Put back as they were: todo.txt")
    assert (workspace / "todo.txt").read_text() == "milk\n"
    gptoss("switch", "a", "main")
    done = gptoss("undo", "a", "2", "--files", "--workspace", str(workspace))
    assert done.returncode == 2, "the file is not what the second patch left any more"
    assert "the patch cannot be taken back" in done.stderr
    assert "branch-3" not in gptoss("tree", "a").stdout, "and nothing was undone"


def test_several_turns_go_back_at_once(gptoss: Run, workspace: Path) -> None:
    assert gptoss("undo", "a", "2", "--files", "--workspace", str(workspace)).returncode == 0
    assert not list(workspace.iterdir())


def test_what_somebody_else_changed_is_not_lost(gptoss: Run, workspace: Path) -> None:
    (workspace / "todo.txt").write_text("mine\n")
    done = gptoss("undo", "a", "--files", "--workspace", str(workspace))
    assert done.returncode == 2
    assert (workspace / "todo.txt").read_text() == "mine\n"
    assert gptoss("undo", "a", "--no-files", "--workspace", str(workspace)).returncode == 0
    assert (workspace / "todo.txt").read_text() == "mine\n"


def test_another_folder_is_told_from_a_change(gptoss: Run, workspace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    done = gptoss("undo", "a", "--files", "--workspace", str(other))
    assert (done.returncode, list(other.iterdir())) == (2, [])
    assert f"todo.txt is not in {other}; " in done.stderr
    assert "with --workspace" in done.stderr
    (other / "todo.txt").write_text("mine\n")
    assert f"todo.txt in {other} was changed since" in gptoss("undo", "a", "--files", "--workspace", str(other)).stderr
    assert "branch-2" not in gptoss("tree", "a").stdout, "and nothing was undone"


def test_a_chat_offers_to_put_files_back(terminal: Open, workspace: Path) -> None:
    child = terminal("--session", "a", "--workspace", str(workspace))
    say(child, "/undo")
    child.expect_exact("Files were changed: todo.txt. Put them back too? [y/N]")
    child.send("y" + ENTER)
    child.expect_exact("Put back as they were: todo.txt")
    child.expect_exact("The last turn is undone")
    assert (workspace / "todo.txt").read_text() == "milk\n"
    say(child, "/undo")
    child.expect_exact("Put them back too? [y/N]")
    child.send(ENTER)
    child.expect_exact("stays as it is: todo.txt")
    leave(child)
    assert (workspace / "todo.txt").read_text() == "milk\n"


def test_a_patch_that_a_kill_cut_off_is_put_back_when_a_chat_starts(
    gptoss: Run, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPTOSS_HOME", environment["GPTOSS_HOME"])
    root = tmp_path / "root"
    write(root, FILES)
    adapters = Adapters()
    for nth in range(1000):
        assert killed(lambda: apply(root, EVERYTHING, journal=adapters.toolbox.patches.journal), nth)
        if contents(root).get("a.txt") == b"A\n" and (root / "d.txt").exists():
            break
        adapters.toolbox.patches.recover()
    done = gptoss("chat", "Hi", replies=[greeting("Hi.")])
    assert (done.returncode, done.stdout) == (0, "Hi.\n")
    assert "was cut off in the middle: what it had changed is as before again (a.txt" in done.stderr
    assert contents(root) == {path: text.encode() for path, text in FILES.items()} != DONE
    assert "cut off" not in gptoss("chat", "Hi", replies=[greeting("Hi.")]).stderr
