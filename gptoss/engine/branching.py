"""Forks, undo and the way back: operations on a session's tree of branches.

Nothing is ever deleted here. Going back is a fork before what is to be undone, and a `HeadMoved` that makes the fork
the session's current branch; the old branch stays where it is and can be switched to again.
"""

import re

from gptoss.engine.errors import UsageError
from gptoss.engine.events import HeadMoved, MessageAppended, SessionRenamed, StoredEvent
from gptoss.engine.ports import BranchInfo, EventLog, EventReader, SessionInfo
from gptoss.engine.reducer import fold


def turn_seqs(log: EventReader, branch: str) -> list[int]:
    """The seq of each user message on the path to the branch's head: where each turn begins, turn 1 first."""
    return [stored.seq for stored in log.read(branch) if _begins_turn(stored)]


def resting_point(log: EventReader, branch: str) -> int:
    """The newest seq at which nothing was under way: the head, or before the turn that is being answered."""
    state = fold(log.read(branch))
    generation = state.generation
    under_way = state.call is not None or (generation is not None and generation.finished is None)
    return turn_seqs(log, branch)[-1] - 1 if under_way else state.seq


def parse_point(log: EventReader, branch: str, point: str) -> int:
    """The seq that "17" (a seq) or "t3" (the end of turn 3) names on this branch. Raises UsageError."""
    match = re.fullmatch(r"(t?)(\d+)", point.strip().lower())
    if match is None:
        raise UsageError(f"{point!r} is no point in a session: give a seq such as 17, or a turn such as t3")
    number = int(match[2])
    head = log.branch(branch).head
    if match[1]:
        turns = turn_seqs(log, branch)
        if not 1 <= number <= len(turns):
            raise UsageError(f"there is no turn {number}: the branch has {len(turns)}")
        return turns[number] - 1 if number < len(turns) else head
    if not 1 <= number <= head:
        raise UsageError(f"there is no event {number}: the branch ends at {head}")
    return number


def branch_named(log: EventReader, session: SessionInfo, name: str | None) -> BranchInfo:
    """The session's branch of that name, its current one without a name; UsageError lists those that there are."""
    if name is None:
        return log.branch(session.branch)
    branches = {branch.name: branch for branch in log.branches(session.id)}
    if name not in branches:
        raise UsageError(f"{session.name!r} has no branch {name!r}: it has {', '.join(sorted(branches))}")
    return branches[name]


def fork(log: EventLog, session: SessionInfo, at_seq: int, name: str | None = None) -> BranchInfo:
    """Fork the session's current branch and make the fork the current one."""
    return _move_head(log, session, log.fork(_holder(log, session.branch, at_seq), at_seq, name))


def rename(log: EventLog, session: SessionInfo, name: str) -> SessionInfo:
    """Give a session another name; that is one more event of it. SessionExists when it is taken."""
    branch = log.branch(session.branch)
    log.append(branch.id, branch.head, [SessionRenamed(name=name)])
    return log.session(name)


def undo(log: EventLog, session: SessionInfo, turns: int = 1) -> BranchInfo:
    """Go back to before the last `turns` user messages, on a new branch."""
    begins = turn_seqs(log, session.branch)
    if not 1 <= turns <= len(begins):
        raise UsageError(
            f"there are {len(begins)} turns to undo, not {turns}" if begins else "there is no turn to undo yet"
        )
    return fork(log, session, begins[-turns] - 1)


def switch(log: EventLog, session: SessionInfo, name: str) -> BranchInfo:
    """Make another branch of the session, given by its name, the current one."""
    branch = branch_named(log, session, name)
    return branch if branch.id == session.branch else _move_head(log, session, branch)


def _holder(log: EventLog, branch: str, seq: int) -> str:
    """The branch on the path to `branch` that holds the event itself: what is forked from it is its child."""
    at = log.branch(branch)
    while at.parent is not None and seq <= at.at_seq:
        at = log.branch(at.parent)
    return at.id


def _move_head(log: EventLog, session: SessionInfo, branch: BranchInfo) -> BranchInfo:
    log.append(branch.id, branch.head, [HeadMoved(came_from=session.branch)])
    return log.branch(branch.id)


def _begins_turn(stored: StoredEvent) -> bool:
    return isinstance(stored.event, MessageAppended) and stored.event.message.role == "user"
