"""A session that another process writes to: here, this one."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.engine.events import MessageAppended
from gptoss.storage.sql import SqlLog
from tests.cli.conftest import Run, greeting
from tests.cli.terminals import Open, leave, say


@pytest.fixture
def busy(database: Path) -> Iterator[SqlLog]:
    """Session "a" is held."""
    with closing(SqlLog(database)) as log, log.acquire(log.session("a").branch):
        yield log


def texts(log: SqlLog, branch: str) -> list[str]:
    return [
        stored.event.message.content
        for stored in log.read(branch)
        if isinstance(stored.event, MessageAppended) and stored.event.message.channel != "analysis"
    ]


def test_one_shot_names_the_choices(busy: SqlLog, gptoss: Run) -> None:
    refused = gptoss("chat", "--session", "a", "Again", replies=[greeting("Hm.")])
    assert (refused.returncode, refused.stdout) == (1, "")
    for choice in ("`gptoss tail a`", "--fork", "--take-over"):
        assert choice in refused.stderr
    assert texts(busy, busy.session("a").branch) == ["Hi", "Hello!"]


def test_going_on_beside_it(busy: SqlLog, gptoss: Run) -> None:
    held = busy.session("a").branch
    assert gptoss("chat", "--session", "a", "--fork", "Again", replies=[greeting("Hm.")]).stdout == "Hm.\n"
    assert texts(busy, held) == ["Hi", "Hello!"]
    assert texts(busy, busy.session("a").branch) == ["Hi", "Hello!", "Again", "Hm."]


def test_taking_it_over(busy: SqlLog, gptoss: Run) -> None:
    held = busy.session("a").branch
    assert gptoss("chat", "--session", "a", "--take-over", "Again", replies=[greeting("Hm.")]).stdout == "Hm.\n"
    assert texts(busy, held) == ["Hi", "Hello!", "Again", "Hm."]
    assert busy.holder(held) is None


def test_nothing_is_taken_away_from_an_open_chat(busy: SqlLog, gptoss: Run) -> None:
    for command in (["redact", "a", "--at", "2", "--yes"], ["sessions", "delete", "a", "--yes"]):
        refused = gptoss(*command)
        assert (refused.returncode, "close that one first" in refused.stderr) == (1, True)
    assert texts(busy, busy.session("a").branch) == ["Hi", "Hello!"]


def test_both_need_a_session(gptoss: Run) -> None:
    assert gptoss("chat", "--fork", "Hello").returncode == 2
    assert gptoss("chat", "--take-over", "Hello").returncode == 2
    assert gptoss("chat", "--session", "new", "--fork", "Hello").returncode == 2


def test_at_a_terminal_one_may_choose(busy: SqlLog, terminal: Open) -> None:
    child = terminal("--session", "a")
    child.expect_exact("Session a is open in another process")
    child.expect_exact("[f/b/t/N]")
    child.send("b\r")
    child.expect_exact("Hello!")
    assert leave(child)
    assert len(busy.branches(busy.session("a").id)) == 2


def test_at_a_terminal_one_may_leave_or_follow(busy: SqlLog, terminal: Open) -> None:
    child = terminal("--session", "a")
    child.expect_exact("[f/b/t/N]")
    child.send("\r")
    child.expect("EOF|$")
    child.close()
    child = terminal("--session", "a")
    child.expect_exact("[f/b/t/N]")
    child.send("f\r")
    child.expect_exact("Ctrl-C ends this.")
    child.expect_exact("Hello!")
    child.sendintr()
    assert len(busy.branches(busy.session("a").id)) == 1


def test_a_chat_holds_its_session(database: Path, terminal: Open, gptoss: Run) -> None:
    child = terminal("--session", "a", replies=[greeting("One.")])
    say(child, "Hello")
    child.expect_exact("One.")
    refused = gptoss("chat", "--session", "a", "Again", replies=[greeting("Hm.")])
    assert refused.returncode == 1
    assert f"pid {child.pid}" in refused.stderr
    leave(child)
    assert gptoss("chat", "--session", "a", "Again", replies=[greeting("Hm.")]).stdout == "Hm.\n"
