"""`gptoss sessions`, `export` and `replay` over what chats have left."""

import json
from pathlib import Path

import pytest

from gptoss.cli.widths import fitted, padded, width_of
from tests.cli.conftest import Run, greeting


def test_a_fresh_machine_has_no_sessions(gptoss: Run, tmp_path: Path) -> None:
    assert gptoss("sessions", "list").stdout == "There are no sessions yet: `gptoss chat` begins one.\n"
    assert gptoss("sessions", "list", "--json").stdout == "[]\n"
    assert not (tmp_path / "home").exists()  # looking creates nothing


def test_the_last_used_comes_first(gptoss: Run) -> None:
    for name in ("first", "第二", "first"):
        gptoss("chat", "--session", name, f"Hello from {name}", replies=[greeting("Hi.")])
    listed = gptoss("sessions", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["NAME", "first", "第二"]
    assert width_of(listed[1].partition("Hello")[0]) == width_of(listed[2].partition("Hello")[0])
    first, second = json.loads(gptoss("sessions", "list", "--json").stdout)
    assert (first["name"], first["messages"], first["preview"]) == ("first", 4, "Hello from first")
    assert set(second) == {"name", "id", "branch", "created", "updated", "messages", "preview"}
    assert gptoss("sessions").stdout == gptoss("sessions", "list").stdout


def test_show(gptoss: Run) -> None:
    gptoss("chat", "--session", "Ada's", "--max-tokens", "8", "Hello", replies=[greeting("Hi.")])
    shown = gptoss("sessions", "show", "Ada's").stdout
    assert "unfinished   its last answer was cut off" in shown
    assert "to resume    gptoss chat --session 'Ada'\"'\"'s'" in shown
    facts = json.loads(gptoss("sessions", "show", "Ada's", "--json").stdout)
    assert (facts["turns"], facts["unfinished"], facts["branches"]) == (1, True, ["main"])


def test_rename(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Hello", replies=[greeting("Hi.")])
    gptoss("chat", "--session", "taken", "Hello", replies=[greeting("Hi.")])
    assert gptoss("sessions", "rename", "a", "taken").returncode == 2
    assert gptoss("sessions", "rename", "a", "x\ny").returncode == 2
    assert gptoss("sessions", "rename", "a", "b").stdout == "Session a is now called b.\n"
    assert gptoss("sessions", "show", "a").returncode == 2
    assert gptoss("chat", "--session", "b", "Again", replies=[greeting("Back.")]).stdout == "Back.\n"
    assert "the session was renamed to b" in gptoss("export", "b").stdout


def test_delete(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Hello", replies=[greeting("Hi.")])
    refused = gptoss("sessions", "delete", "a")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert gptoss("sessions", "delete", "a", "--yes").stdout.startswith("Session a is deleted for good")
    assert gptoss("sessions", "list", "--json").stdout == "[]\n"


def test_export_into_a_file(gptoss: Run, tmp_path: Path) -> None:
    gptoss("chat", "--session", "a", "Hello", replies=[greeting("Hi.")])
    file = tmp_path / "a.json"
    file.write_text("older")
    assert gptoss("export", "a", "--format", "json", "-o", str(file)).stdout == ""
    assert file.read_text() == gptoss("export", "a", "--format", "json").stdout
    assert list(tmp_path.glob("a.json*")) == [file]
    assert gptoss("export", "a", "-o", "/dev/stdout").stdout == gptoss("export", "a").stdout


def test_replay(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Hello", replies=[greeting("Hi.")])
    shown = gptoss("replay", "a", "--speed", "0").stdout
    assert shown == "> Hello\n\n  thinking\n  The user speaks.\n\nHi.\n"
    assert gptoss("replay", "a", "--speed", "1000").stdout == shown
    assert gptoss("replay", "a", "--speed", "0", "--until", "2").stdout == "> Hello\n"


def test_another_database(gptoss: Run, tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    url = f"sqlite:///{file}"
    gptoss("chat", "--db", url, "--session", "a", "Hello", replies=[greeting("Hi.")])
    assert file.exists()
    assert gptoss("sessions", "list", "--json").stdout == "[]\n"
    for named in ({"args": ["--db", url]}, {"args": ["--db", str(file)]}, {"env": {"GPTOSS_DATABASE_URL": url}}):
        listed = gptoss("sessions", "list", "--json", *named.get("args", []), env=named.get("env"))  # type: ignore[union-attr]
        assert [session["name"] for session in json.loads(listed.stdout)] == ["a"]
    assert gptoss("sessions", "list", "--db", "mysql://x/y").returncode == 2


@pytest.mark.parametrize(
    ("text", "width", "cut"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301e", 2, "e\u0301e"),
    ],
)
def test_widths(text: str, width: int, cut: str) -> None:
    assert fitted(text, width) == cut
    assert width_of(padded(cut, 10)) == 10
