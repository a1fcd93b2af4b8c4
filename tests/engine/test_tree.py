"""The tree of a session: each turn stands on the branch that added it."""

from gptoss.engine.branching import fork, undo
from gptoss.engine.tree import Node, tree
from tests.engine.test_branching import chat, say


def turns(node: Node) -> list[tuple[int, str]]:
    return [(turn.number, turn.text) for turn in node.own]


def test_a_session_without_forks_is_one_node() -> None:
    log = chat(2)
    root = tree(log, log.session("a"))
    assert (root.branch.name, root.is_current, root.children) == ("main", True, ())
    assert turns(root) == [(1, "q1"), (2, "q2")]
    assert [turn.seq for turn in root.path] == [2, 4]


def test_turns_are_numbered_along_the_path() -> None:
    log = chat(3)
    undo(log, log.session("a"), 2)
    say(log, log.session("a"), "other", "x")
    fork(log, log.session("a"), 3, "idea")
    say(log, log.session("a"), "idea", "y")
    root = tree(log, log.session("a"))
    assert [node.branch.name for node in root.walk()] == ["main", "branch-2", "idea"]
    undone, idea = root.children
    assert (turns(undone), turns(idea)) == ([(2, "other")], [(2, "idea")])
    assert [turn.text for turn in undone.path] == ["q1", "other"]
    assert [node.is_current for node in root.walk()] == [False, False, True]
