"""`gptoss sessions`: list, show, rename. Loads no model."""

from contextlib import closing
from time import localtime, strftime
from typing import Any

import msgspec

from gptoss.cli.bootstrap import EMBEDDED, Adapters
from gptoss.cli.names import checked_name, resume_command
from gptoss.cli.output import Output
from gptoss.cli.widths import fitted, padded, width_of
from gptoss.engine.ports import SessionInfo
from gptoss.transcripts.times import iso

LONGEST_NAME = 40
SHORTEST_PREVIEW = 10


def list_sessions(adapters: Adapters, database: str | None, out: Output, *, as_json: bool) -> int:
    """One line a session, the most recently used first."""
    with closing(adapters.open_reader(database)) as reader:
        sessions = reader.sessions()
    if as_json:
        out.write(_json([_about(session) for session in sessions]))
    elif not sessions:
        out.line("There are no sessions yet: `gptoss chat` begins one.")
    else:
        _table(sessions, out)
    return 0


def show_session(adapters: Adapters, database: str | None, name: str, out: Output, *, as_json: bool) -> int:
    """What there is to know about a session."""
    from gptoss.engine.conversation import next_step
    from gptoss.engine.reducer import fold

    with closing(adapters.open_reader(database)) as reader:
        session = reader.session(name)
        branches = reader.branches(session.id)
        state = fold(reader.read(session.branch))
    current = next(branch.name for branch in branches if branch.id == session.branch)
    settings = state.settings
    generation = state.generation
    unfinished = next_step(state) is not None or (generation is not None and generation.finished is None)
    if as_json:
        facts = {
            "branch_name": current,
            "branches": [branch.name for branch in branches],
            "head": state.seq,
            "turns": state.turn,
            "unfinished": unfinished,
            "settings": {field: getattr(settings, field) for field in settings.__struct_fields__},
        }
        out.write(_json(_about(session) | facts))
        return 0
    rows = {
        "session": session.name,
        "started": _local(session.created),
        "last used": _local(session.updated),
        "turns": str(state.turn),
        "events": str(state.seq),
        "branch": current + (f" (one of {len(branches)})" if len(branches) > 1 else ""),
        "model": settings.checkpoint or EMBEDDED,
        "backend": settings.backend,
        "reasoning": settings.reasoning_effort,
        "context": f"{settings.context} tokens",
        "developer": settings.developer_message,
        "begins with": session.preview,
        "unfinished": "its last answer was cut off and can be continued" if unfinished else None,
        "to resume": resume_command(session.name),
    }
    for label, value in rows.items():
        if value:
            out.write(f"{label:<13}", "dim")
            out.write(value + "\n")
    return 0


def rename_session(adapters: Adapters, database: str | None, old: str, new: str, out: Output) -> int:
    """Give a session another name; that is one more event of it."""
    from gptoss.engine.branching import rename

    checked_name(new)
    with closing(adapters.open_log(database)) as log:
        rename(log, log.session(old), new)
    out.line(f"Session {old} is now called {new}.")
    return 0


def _table(sessions: list[SessionInfo], out: Output) -> None:
    names = [fitted(session.name, LONGEST_NAME) if out.is_terminal else session.name for session in sessions]
    widest = max(len("NAME"), *map(width_of, names))
    rows = [f"{padded('NAME', widest)}  LAST USED         MESSAGES  "]
    rows += [
        f"{padded(name, widest)}  {_local(session.updated)}  {session.messages:>8}  "
        for name, session in zip(names, sessions, strict=True)
    ]
    room = out.width - width_of(rows[0])
    for number, (row, preview) in enumerate(
        zip(rows, ["BEGINS WITH", *(session.preview for session in sessions)], strict=True)
    ):
        if not out.is_terminal:
            line = row + preview
        else:  # where there is no room for it, how a session begins is left out
            line = row + fitted(preview, room) if room >= SHORTEST_PREVIEW else fitted(row.rstrip(), out.width)
        out.line(line, "plain" if number else "dim")


def _about(session: SessionInfo) -> dict[str, Any]:
    return {
        "name": session.name,
        "id": session.id,
        "branch": session.branch,
        "created": iso(session.created),
        "updated": iso(session.updated),
        "messages": session.messages,
        "preview": session.preview,
    }


def _local(time: int) -> str:
    """Microseconds since 1970 as the local time, to the minute."""
    return strftime("%Y-%m-%d %H:%M", localtime(time / 1e6))


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
