"""`gptoss branch`, `undo`, `switch` and `tree`. They load no model, and none of them deletes anything."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.names import checked_name, quoted, resume_command
from gptoss.cli.output import Output
from gptoss.cli.putting_back import put_back_files
from gptoss.cli.widths import fitted
from gptoss.engine.branching import fork, parse_point, switch, undo
from gptoss.engine.ports import BranchInfo, SessionInfo
from gptoss.engine.tree import Node, Turn, tree

LONGEST_TEXT = 60


def branch_session(
    adapters: Adapters, database: str | None, name: str, out: Output, *, at: str | None, new: str | None
) -> int:
    """Fork the current branch at a point, its end unless one is given, and make the fork the current one."""
    if new is not None:
        checked_name(new)
    with closing(adapters.open_log(database)) as log:
        session = log.session(name)
        before = log.branch(session.branch)
        seq = before.head if at is None else parse_point(log, session.branch, at)
        branch = fork(log, session, seq, new)
        out.line(f"{name} goes on from event {seq} on the new branch {branch.name}.")
        _tell_way_back(session, before, out)
    return 0


def undo_turns(
    adapters: Adapters,
    database: str | None,
    name: str,
    turns: int,
    out: Output,
    *,
    files: bool | None = None,
    workspace: Path | None = None,
) -> int:
    """Go back to before the newest turns, on a new branch; with `files`, what patches changed goes back too."""
    with closing(adapters.open_log(database)) as log:
        session = log.session(name)
        before = log.branch(session.branch)
        put_back_files(adapters, log, session, turns, out, wanted=files, workspace=workspace)
        branch = undo(log, session, turns)
        what = "The last turn is" if turns == 1 else f"The last {turns} turns are"
        out.line(f"{what} undone: {name} goes on from event {branch.at_seq} on the new branch {branch.name}.")
        _tell_way_back(session, before, out)
    return 0


def switch_branch(adapters: Adapters, database: str | None, name: str, branch: str, out: Output) -> int:
    """Make another branch the current one."""
    with closing(adapters.open_log(database)) as log:
        session = log.session(name)
        if switch(log, session, branch).id == session.branch:
            out.line(f"{name} is on the branch {branch} already.")
        else:
            out.line(f"{name} is on the branch {branch} now. To go on: {resume_command(name)}")
    return 0


def show_tree(adapters: Adapters, database: str | None, name: str, out: Output, *, as_json: bool) -> int:
    """The branches of a session, where each was forked, and their turns."""
    with closing(adapters.open_reader(database)) as reader:
        root = tree(reader, reader.session(name))
    if as_json:
        facts = [_about(node) for node in root.walk()]
        out.write(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n")
        return 0
    for line, style in _lines(root):
        out.line(fitted(line, out.width) if out.is_terminal else line, "bold" if style else "plain")
    return 0


def _tell_way_back(session: SessionInfo, before: BranchInfo, out: Output) -> None:
    out.line(f"The way back: gptoss switch {quoted(session.name)} {quoted(before.name)}", "dim")


def _lines(node: Node, indent: str = "") -> Iterator[tuple[str, bool]]:
    """A branch's line, the turns it added, and below each turn the branches that were forked in it."""
    mark = "  ← current" if node.is_current else ""
    origin = f"  (forked at event {node.branch.at_seq})" if node.branch.parent else ""
    yield f"{node.branch.name}{origin}{mark}", node.is_current
    items: list[Turn | Node] = sorted([*node.own, *node.children], key=_place)
    for number, item in enumerate(items):
        is_last = number == len(items) - 1
        if isinstance(item, Turn):
            text = fitted(" ".join(item.text.split()), LONGEST_TEXT)
            yield f"{indent}{'└' if is_last else '├'} {item.number}. {text}  ·{item.seq}", False
        else:
            head, *rest = _lines(item, indent + ("   " if is_last else "│  "))
            yield f"{indent}{'└─' if is_last else '├─'} {head[0]}", head[1]
            yield from rest


def _place(item: Turn | Node) -> tuple[int, bool]:
    """Where an item stands below its branch: a fork comes after the turn that it was forked in."""
    return (item.seq, False) if isinstance(item, Turn) else (item.branch.at_seq, True)


def _about(node: Node) -> dict[str, Any]:
    branch = node.branch
    return {
        "branch": branch.name,
        "id": branch.id,
        "parent": branch.parent,
        "forked_at": branch.at_seq if branch.parent else None,
        "head": branch.head,
        "current": node.is_current,
        "turns": len(node.path),
        "own_turns": [{"turn": turn.number, "seq": turn.seq, "text": turn.text} for turn in node.own],
    }
