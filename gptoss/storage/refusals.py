"""What every log says when it is asked for something that cannot be."""

from collections.abc import Iterable

from gptoss.engine.errors import HistoryError, SessionExists, SessionNotFound, StorageError, UsageError
from gptoss.engine.events import BranchForked, Event, SessionStarted


def session_exists(name: str) -> SessionExists:
    return SessionExists(f"there is a session {name!r} already: continue it, or choose another name")


def no_session(name: str) -> SessionNotFound:
    return SessionNotFound(f"there is no session {name!r}: `gptoss sessions list` shows those there are")


def no_branch(branch: str) -> SessionNotFound:
    return SessionNotFound(f"there is no branch with the id {branch}: its session may have been deleted")


def branch_exists(name: str) -> UsageError:
    return UsageError(f"this session has a branch {name!r} already: choose another name")


def no_such_fork(at_seq: int, head: int) -> UsageError:
    return UsageError(f"a branch cannot be forked at event {at_seq}: its events are 1 to {head}")


def check_redactable(seq: int, head: int) -> None:
    if not 1 <= seq <= head:
        raise UsageError(f"there is no event {seq} to redact: the branch has 1 to {head}")


def no_blob(digest: str) -> StorageError:
    return StorageError(f"the stored file {digest} is not in the database: it was deleted, or never stored")


def check_appendable(events: Iterable[Event]) -> None:
    """Sessions and branches begin in one way only."""
    if any(isinstance(event, (SessionStarted, BranchForked)) for event in events):
        raise HistoryError("SessionStarted and BranchForked begin a branch and cannot be appended later")
