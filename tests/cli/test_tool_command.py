"""`gptoss tool`: one call by hand."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run, greeting
from tests.cli.test_tools import PATCH, call, notes  # noqa: F401  a fixture
from tests.tools.python.notebooks import needs_sandbox


@needs_sandbox
def test_python(gptoss: Run) -> None:
    done = gptoss("tool", "python", piped="37 * 18\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "666\n", "")
    done = gptoss("tool", "functions.python", piped="1 / 0")
    assert done.returncode == 1
    assert done.stdout.endswith("ZeroDivisionError: division by zero\n")


def test_apply_patch(gptoss: Run, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    done = gptoss("tool", "functions.apply_patch", "--workspace", str(workspace), piped=PATCH + "\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Done.\nA todo.txt\n", "")
    assert (workspace / "todo.txt").read_text() == "milk\n"
    done = gptoss("tool", "apply_patch", "--workspace", str(workspace), piped=PATCH)
    assert done.returncode == 1
    assert done.stdout.startswith("Error: todo.txt exists already")


def test_browser(gptoss: Run, notes: Path) -> None:  # noqa: F811
    source = ("--browser-source", str(notes))
    done = gptoss("tool", "browser.search", *source, piped='{"query": "dragon"}')
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "[0] dragon")
    done = gptoss("tool", "browser.open", *source, piped='{"id": "local://notes/boats.md"}')
    assert "L4: A dragon boat has a crew" in done.stdout
    done = gptoss("tool", "browser.find", *source, piped='{"pattern": "crew"}')
    assert (done.returncode, done.stdout.partition(".")[0]) == (1, "Error: no page is open yet")
    done = gptoss("tool", "browser.click", *source, piped="{}")
    assert (done.returncode, done.stdout.partition(".")[0]) == (1, "Error: there is no function browser")


def test_the_pages_of_a_session(gptoss: Run, notes: Path) -> None:  # noqa: F811
    options = ("--session", "a", "--browser-source", str(notes))
    replies = [call("browser.search", '{"query": "dragon"}'), call("browser.open", '{"id": 0}'), greeting("Yes.")]
    gptoss("chat", "-b", *options, "Look", replies=replies)
    before = gptoss("export", "a", "--format", "json").stdout
    done = gptoss("tool", "browser.find", *options, piped='{"pattern": "crew"}')
    assert (done.returncode, done.stdout.partition(" for")[0]) == (0, "[2] Find results")
    assert gptoss("export", "a", "--format", "json").stdout == before
    assert gptoss("tool", "browser.find", "--session", "b", *options[2:]).returncode == 2


@pytest.mark.parametrize("recipient", ["", "pythn", "functions.", "container.exec", "browse.open", "\x1b[2J"])
def test_an_unknown_recipient_is_told_the_valid_ones(gptoss: Run, recipient: str) -> None:
    done = gptoss("tool", recipient, piped="{}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "browser.search, browser.open, browser.find, python, functions.apply_patch" in done.stderr


def test_it_leaves_no_trace(gptoss: Run, tmp_path: Path) -> None:
    assert gptoss("tool", "apply_patch", "--workspace", str(tmp_path), piped=PATCH).returncode == 0
    assert not (tmp_path / "home" / "gptoss.db").exists()
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"todo.txt"}
