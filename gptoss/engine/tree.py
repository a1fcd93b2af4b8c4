"""A session's branches as the tree they are, with the turns that each of them adds."""

from collections.abc import Iterator

from msgspec import Struct

from gptoss.engine.events import MessageAppended
from gptoss.engine.ports import BranchInfo, EventReader, SessionInfo


class Turn(Struct, frozen=True, kw_only=True):
    """A turn and where it begins: the `seq` of the user's message, whose text it has."""

    number: int
    seq: int
    text: str


class Node(Struct, frozen=True, kw_only=True):
    """A branch: the turns it added itself, the turns of its whole path, and the branches that were forked from it."""

    branch: BranchInfo
    is_current: bool
    own: tuple[Turn, ...]
    path: tuple[Turn, ...]
    children: tuple["Node", ...]

    def walk(self) -> Iterator["Node"]:
        """This node and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


def tree(log: EventReader, session: SessionInfo) -> Node:
    """The root branch and everything forked from it. Each event of the session is read once."""
    branches = log.branches(session.id)
    below: dict[str | None, list[BranchInfo]] = {}
    for branch in branches:
        below.setdefault(branch.parent, []).append(branch)

    def grow(branch: BranchInfo, inherited: tuple[Turn, ...]) -> Node:
        own = tuple(_own_turns(log, branch, len(inherited)))
        path = inherited + own
        children = tuple(
            grow(child, tuple(turn for turn in path if turn.seq <= child.at_seq)) for child in below.get(branch.id, [])
        )
        return Node(branch=branch, is_current=branch.id == session.branch, own=own, path=path, children=children)

    (root,) = below[None]
    return grow(root, ())


def _own_turns(log: EventReader, branch: BranchInfo, before: int) -> Iterator[Turn]:
    number = before
    for stored in log.read(branch.id, after=branch.at_seq):
        event = stored.event
        if isinstance(event, MessageAppended) and event.message.role == "user":
            number += 1
            yield Turn(number=number, seq=stored.seq, text=event.message.content)
