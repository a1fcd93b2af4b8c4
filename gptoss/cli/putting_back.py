"""Undo for files: what patches have changed in the turns that are undone, put back as it was."""

import sys
from pathlib import Path

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.output import Output
from gptoss.cli.terminal import asking
from gptoss.engine.branching import turn_seqs
from gptoss.engine.errors import UsageError
from gptoss.engine.ports import EventReader, SessionInfo


def put_back_files(
    adapters: Adapters,
    log: EventReader,
    session: SessionInfo,
    turns: int,
    out: Output,
    *,
    wanted: bool | None = None,
    workspace: Path | None = None,
) -> None:
    """Put back what the last turns changed, if that is `wanted`; None asks at a terminal, and elsewhere does not.

    All files or none. Raises UsageError where one of them was changed since, or the user would rather not say.
    """
    begins = turn_seqs(log, session.branch)
    if not 1 <= turns <= len(begins):
        return
    record = adapters.toolbox.patches.since(log, session.branch, begins[-turns] - 1)
    if record is None:
        return
    files = ", ".join(edit.path for edit in record.edits)
    if wanted is None and out.is_terminal and sys.stdin is not None and sys.stdin.isatty():
        wanted = _ask(out, f"Files were changed: {files}. Put them back too? [y/N] ")
    if wanted:
        adapters.toolbox.patches.put_back(record, workspace or Path())
        out.line(f"Put back as they were: {files}")
    else:
        out.line(f"What was changed of files stays as it is: {files}", "dim")


def _ask(out: Output, question: str) -> bool:
    try:
        with asking():
            out.write(question, "notice")
            answer = sys.stdin.readline()
    except KeyboardInterrupt:
        out.end_line()
        raise UsageError("nothing was undone") from None
    out.typed_line()
    return answer.strip().lower() in ("y", "yes")
