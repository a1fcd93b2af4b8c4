"""`gptoss sessions delete`, `redact` and `gc`: the commands that take something away, and say what."""

import sys
from contextlib import closing
from pathlib import Path

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.names import quoted
from gptoss.cli.output import Output
from gptoss.cli.sizes import size
from gptoss.engine.branching import branch_named
from gptoss.engine.errors import BranchBusy, UsageError
from gptoss.engine.ports import Collected

_STILL_THERE = (
    "The file is kept busy, or its disk has no room to write it anew, so the bytes are still in it: "
    "`gptoss gc --full` takes them out later."
)


def delete_session(adapters: Adapters, database: str | None, name: str, out: Output, *, sure: bool) -> int:
    """Remove a session and everything in it, once the user is sure."""
    with closing(adapters.open_log(database)) as log:
        session = log.session(name)
        for branch in log.branches(session.id):
            if holder := log.holder(branch.id):
                raise BranchBusy(holder.pid, holder.host)
        question = f"Delete session {name} with its {session.messages} messages for good?"
        if not (sure or _agrees(question, f"deleting session {name!r} cannot be undone", out)):
            out.line("Nothing was deleted.")
            return 0
        log.delete(session.id)
        adapters.forget_files(session.id)
        freed = _freed(collected := log.collect())
    out.line(f"Session {name} is deleted for good" + (f"; that freed {size(freed)}." if freed else "."))
    if not collected.erased:
        out.line(_STILL_THERE, "notice")
    _tell_backups(adapters, database, out)
    return 0


def redact_event(
    adapters: Adapters,
    database: str | None,
    name: str,
    seq: int,
    out: Output,
    *,
    branch: str | None,
    reason: str,
    sure: bool,
) -> int:
    """Take the content of an event out of a session, wherever it is kept."""
    with closing(adapters.open_log(database)) as log:
        at = branch_named(log, log.session(name), branch)
        with log.acquire(at.id):  # a chat that is open would go on with what it remembers
            question = f"Remove what event {seq} of session {name} says, for good?"
            if not (sure or _agrees(question, f"redacting an event of {name!r} cannot be undone", out)):
                out.line("Nothing was removed.")
                return 0
            removed = log.redact(at.id, seq, reason)
            adapters.forget_copies()
    for number, kind in removed.events:
        out.line(f"event {number} ({kind}) is redacted")
    if removed.elsewhere:
        out.line(f"and {removed.elsewhere} events on other branches that held the same")
    if removed.blobs:
        out.line(f"and {removed.blobs} stored files that nothing else uses")
    out.line(f"The rest of the session is as it was: `gptoss verify {quoted(name)}` tells.")
    if not removed.erased:
        out.line(_STILL_THERE, "notice")
    _tell_backups(adapters, database, out)
    return 0


def collect_garbage(adapters: Adapters, database: str | None, out: Output, *, full: bool) -> int:
    """Give the space of what was deleted back to the disk."""
    with closing(adapters.open_log(database)) as log:
        collected = log.collect(thorough=full)
    if collected.blobs is None:
        out.line("A chat is open, so stored files that nothing refers to were left alone.", "notice")
    elif collected.blobs:
        out.line(f"{collected.blobs} stored files that nothing refers to were removed.")
    if collected.before is not None and collected.after is not None:
        out.line(f"{size(_freed(collected))} were freed; the database takes {size(collected.after)}.")
    else:
        out.line("The database keeps its space by itself.")
    if not collected.erased:
        out.line("Another process keeps the database busy, so that it could not shrink: try again later.", "notice")
    return 0


def _freed(collected: Collected) -> int:
    if collected.before is None or collected.after is None:
        return 0
    return max(0, collected.before - collected.after)


def _agrees(question: str, warning: str, out: Output) -> bool:
    """Ask at the terminal; where there is none, a UsageError asks for --yes."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{warning}: say --yes if you mean it")
    out.write(f"{question} [y/N] ")
    answer = sys.stdin.readline().strip().lower()
    out.typed_line()
    return answer in ("y", "yes")


def _tell_backups(adapters: Adapters, database: str | None, out: Output) -> None:
    """A migration leaves a copy of the database behind, which nothing is taken out of."""
    backups: list[Path] = adapters.backups(database)
    if backups:
        files = ", ".join(map(str, backups))
        out.line(
            f"A backup from before a migration may still hold it; remove it when you need it no more: {files}", "notice"
        )
