"""`gptoss import`: sessions from an archive, conversations from other programs. All of a file comes in, or nothing."""

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.formats import FORMATS
from gptoss.cli.names import checked_name, resume_command
from gptoss.cli.output import Output
from gptoss.engine.errors import GptossError, RecordRefused, SessionExists, UsageError
from gptoss.engine.events import Event, MessageAppended
from gptoss.engine.ports import EventLog, SessionInfo
from gptoss.engine.records import SessionRecords
from gptoss.engine.settings import Settings
from gptoss.transcripts.archive import ArchivedSession, is_archive, read_archive
from gptoss.transcripts.conversations import Conversation, read_conversations

STANDARD_INPUT = "-"
LONGEST_NAME = 80


class ImportFailed(GptossError):
    """The file cannot be read, or is not what was exported."""


def import_files(
    adapters: Adapters, database: str | None, given: Sequence[Path], out: Output, err: Output, *, name: str | None
) -> int:
    """Bring all sessions of these files, and of the archives in these folders, into the database.

    A file that is refused keeps none of the others away; what every file would meet, such as a full disk, ends it.
    """
    if name is not None:
        checked_name(name)
    files = [file for each in given for file in _files(each)]
    if len(files) == 1:
        _import(adapters, database, files[0], out, name=name, origin="")
        return 0
    if name is not None:
        raise UsageError(f"these are {len(files)} files: --as can name only one session")
    refused = 0
    for file in files:
        try:
            _import(adapters, database, file, out, name=None, origin=f" from {_shown(file)}")
        except (ImportFailed, SessionExists) as error:
            refused += 1
            err.sentence(f"gptoss: {' '.join(str(error).split())}", "error")
    if refused:
        raise ImportFailed(f"nothing was imported from {refused} of {len(files)} files")
    return 0


def _files(given: Path) -> list[Path]:
    """The file itself, or the archives in a folder, as `export --all` writes them."""
    if str(given) == STANDARD_INPUT or not given.is_dir():
        return [given]
    try:
        archives = sorted(each for each in given.iterdir() if each.suffix == FORMATS["jsonl"] and each.is_file())
    except OSError as error:
        raise ImportFailed(f"cannot read the folder {given}: {error.strerror or error}") from error
    if not archives:
        raise ImportFailed(
            f"there is no archive (*{FORMATS['jsonl']}) in the folder {given}, and nothing was imported: "
            "`gptoss export --all --format jsonl -o FOLDER` writes them"
        )
    return archives


def _import(
    adapters: Adapters, database: str | None, file: Path, out: Output, *, name: str | None, origin: str
) -> None:
    """All sessions of a file, or an error and none of them."""
    data = _read(file)
    try:
        archived = _archived(data)
        sessions = [each.records for each in archived] if archived else _recorded(adapters, data, _stem(file, name))
    except UsageError as error:
        raise ImportFailed(f"{_shown(file)}: {error}; nothing was imported") from error
    if name is not None:
        if len(sessions) > 1:
            raise UsageError(f"{_shown(file)} holds {len(sessions)} sessions: --as can name only one")
        sessions = [replace(sessions[0], name=name)]
    with closing(adapters.open_log(database)) as log:
        try:
            restored = log.restore(sessions)
        except SessionExists as error:
            place = f"{_shown(file)}: " if origin else ""
            raise SessionExists(
                f"{place}{str(error).partition(':')[0]}: import it with --as NAME, or rename that one"
            ) from error
        except RecordRefused as error:
            raise ImportFailed(f"{_shown(file)}: {_place(archived, error)}{error}; nothing was imported") from error
        for session, given in zip(restored, sessions, strict=True):
            _report(log, session, given, out, origin)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == STANDARD_INPUT else file.read_bytes()
    except OSError as error:
        raise ImportFailed(f"cannot read {file}: {error.strerror or error}") from error


def _shown(file: Path) -> str:
    return "standard input" if str(file) == STANDARD_INPUT else str(file)


def _archived(data: bytes) -> list[ArchivedSession]:
    """The sessions of an archive; none if it is no archive."""
    lines = data.split(b"\n")
    return read_archive(lines) if is_archive(next((line for line in lines if line.strip()), b"")) else []


def _recorded(adapters: Adapters, data: bytes, stem: str) -> list[SessionRecords]:
    """Conversations as sessions, as if they had been held here."""
    conversations = read_conversations(data)
    names = _names(conversations, stem)
    log = adapters.open_log(":memory:")
    sessions: list[SessionRecords] = []
    for conversation, name in zip(conversations, names, strict=True):
        settings = Settings(start_date=date.today().isoformat(), developer_message=conversation.instructions)
        session = log.start(name, settings)
        events: Sequence[Event] = [MessageAppended(message=message) for message in conversation.messages]
        log.append(session.branch, 1, events)
        records = list(log.records(session.branch))
        sessions.append(SessionRecords(id=session.id, name=name, branch=session.branch, records=records))
    return sessions


def _names(conversations: list[Conversation], stem: str) -> list[str]:
    """What each is to be called: its own name, or the file's with a number."""
    names: list[str] = []
    for number, conversation in enumerate(conversations, 1):
        own = " ".join("".join(c if c.isprintable() else " " for c in conversation.name or "").split())[:LONGEST_NAME]
        name = own or (stem if len(conversations) == 1 else f"{stem}-{number}")
        free, again = name, 1
        while free in names:
            again += 1
            free = f"{name}-{again}"
        names.append(free)
    return names


def _stem(file: Path, name: str | None) -> str:
    if name is not None:
        return name
    return "imported" if str(file) == STANDARD_INPUT else file.name.partition(".")[0] or "imported"


def _place(archived: list[ArchivedSession], error: RecordRefused) -> str:
    """Where in the file a record stands."""
    if not archived:
        return ""
    session = archived[error.session]
    return f"line {session.line if error.record is None else session.lines[error.record]}: "


def _report(log: EventLog, session: SessionInfo, given: SessionRecords, out: Output, origin: str) -> None:
    branches = len(log.branches(session.id))
    events = len(given.records)
    copied = "" if session.id == given.id else " as a copy, because the original is in this database too"
    out.line(
        f"Imported {session.name}{origin}{copied}: {_counted(events, 'event')}, {_counted(branches, 'branch')}, "
        f"{_counted(session.messages, 'message')}. To go on: {resume_command(session.name)}"
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}{'es' if what.endswith('h') else 's'}"
