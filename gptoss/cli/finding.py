"""The session that a chat is to go on with."""

from gptoss.engine.branching import fork, resting_point
from gptoss.engine.errors import SessionNotFound, UsageError
from gptoss.engine.ports import EventLog, SessionInfo


def find(log: EventLog, name: str | None) -> SessionInfo | None:
    """The session of that name, if there is one."""
    try:
        return None if name is None else log.session(name)
    except SessionNotFound:
        return None


def latest(log: EventLog) -> str:
    """The name of the session that was used last. UsageError when there is none."""
    sessions = log.sessions()
    if not sessions:
        raise UsageError("there is no session to continue: leave out --continue, and one begins")
    return sessions[0].name


def forked(log: EventLog, session: SessionInfo | None, name: str | None) -> SessionInfo:
    """The session after it went on to a new branch. UsageError when there is none of that name."""
    if session is None:
        raise UsageError(f"there is no session {name!r} to fork: leave out --fork")
    fork(log, session, resting_point(log, session.branch))
    return log.session(session.name)
