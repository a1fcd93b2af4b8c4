"""`gptoss export`: sessions as documents for people and programs. Loads no model."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.formats import EXACT, FORMATS
from gptoss.cli.output import Output
from gptoss.engine.errors import GptossError, UsageError
from gptoss.engine.ports import BranchInfo, EventReader, SessionInfo
from gptoss.transcripts.document import Document, document, to_json, without_reasoning

if TYPE_CHECKING:
    from gptoss.transcripts.redaction import Redactor

LONGEST_FILE_NAME = 100


class ExportFailed(GptossError):
    """The file cannot be written."""


class Choice(Struct, frozen=True, kw_only=True):
    """What is exported and how. `until` is a point on the branch: a seq, or a turn such as t3."""

    format: str = "md"
    branch: str | None = None
    until: str | None = None
    reasoning: bool = True
    redact: bool = False

    def check(self) -> None:
        """Raises UsageError for what cannot be had."""
        if self.format not in FORMATS:
            raise UsageError(f"there is no format {self.format!r}: choose one of {', '.join(FORMATS)}")
        if self.format in EXACT and self.redact:
            raise UsageError(
                f"{self.format} restores a session to the bit, so nothing of it can be removed on the way: "
                "choose another format, or redact the session itself"
            )
        if self.format in (*EXACT, "harmony") and not self.reasoning:
            raise UsageError(f"{self.format} says exactly what was said, reasoning included: choose another format")


def export_session(
    adapters: Adapters,
    database: str | None,
    name: str,
    choice: Choice,
    out: Output,
    err: Output,
    *,
    file: Path | None,
) -> int:
    """Write a session to standard output or into a file."""
    choice.check()
    with closing(adapters.open_reader(database)) as reader:
        export = _Export(adapters, reader, choice)
        chunks = export.chunks(reader.session(name))
        if file is None:
            for chunk in chunks:
                out.write(chunk)
        else:
            _write(file, chunks)
        export.report(err)
    return 0


def export_all(
    adapters: Adapters, database: str | None, choice: Choice, out: Output, err: Output, *, folder: Path | None
) -> int:
    """Write every session into a folder, each into a file of its own; or all as one archive to standard output."""
    choice.check()
    if choice.branch is not None or choice.until is not None:
        raise UsageError("--branch and --until are about one session: leave out --all")
    if folder is None and choice.format != "jsonl":
        raise UsageError("say with -o into which folder the sessions are to be written")
    with closing(adapters.open_reader(database)) as reader:
        export = _Export(adapters, reader, choice)
        taken: set[str] = set()
        for session in reader.sessions():
            if folder is None:
                for chunk in export.chunks(session):
                    out.write(chunk)
                continue
            file = _make(folder) / _file_name(session.name, FORMATS[choice.format], taken)
            _write(file, export.chunks(session))
            err.line(f"{session.name}: {file}")
        export.report(err)
    return 0


class _Export:
    """Turns sessions into text, and remembers what was removed from them."""

    def __init__(self, adapters: Adapters, reader: EventReader, choice: Choice) -> None:
        self._adapters = adapters
        self._reader = reader
        self._choice = choice
        self._redactor = _redactor() if choice.redact else None

    def chunks(self, session: SessionInfo) -> Iterator[str]:
        """The text of the export, piece by piece; lazy where the format allows it."""
        reader, choice, redactor = self._reader, self._choice, self._redactor
        branch = self._branch(session)
        until = self._until(branch)
        if redactor is not None:
            for stored in reader.read(branch.id, until=until):
                redactor.learn_from(stored.event)
        if choice.format == "jsonl":
            from gptoss.transcripts.archive import archive

            chosen = branch if choice.branch is not None or until is not None else None
            return archive(reader, session, chosen, until)
        if choice.format == "html":
            from gptoss.transcripts.page import page
            from gptoss.transcripts.page.feed import Feed

            path = (branch, until) if choice.branch is not None or until is not None else None
            feed = Feed(
                reader, session, self._adapters.harmony(), path=path, reasoning=choice.reasoning, redactor=redactor
            )
            return page(session.name if redactor is None else redactor.text(session.name), feed.more())
        events = reader.read(branch.id, until=until)
        if choice.format == "harmony":
            from gptoss.transcripts.prompts import harmony_lines

            return harmony_lines(events, self._adapters.harmony(), redactor)
        if choice.format == "cast":
            from gptoss.cli.casting import cast

            return cast(events, self._adapters.vocabulary(), reasoning=choice.reasoning, redactor=redactor)
        found = document(events)
        if not choice.reasoning:
            found = without_reasoning(found)
        if redactor is not None:
            found = redactor.value(found, Document)
        return iter([_text(found, choice.format)])

    def report(self, err: Output) -> None:
        """Say what was removed."""
        if self._redactor is not None:
            removed = self._redactor.removed
            err.line("removed:" if removed else "nothing was found that had to be removed")
            for what in removed:
                err.line(f"  {what}")
            err.line("Look through the export before you share it: pictures and ordinary words are not looked into.")

    def _branch(self, session: SessionInfo) -> BranchInfo:
        if self._choice.branch is None:
            return self._reader.branch(session.branch)
        from gptoss.engine.branching import branch_named

        return branch_named(self._reader, session, self._choice.branch)

    def _until(self, branch: BranchInfo) -> int | None:
        if self._choice.until is None:
            return None
        from gptoss.engine.branching import parse_point

        return parse_point(self._reader, branch.id, self._choice.until)


def _text(found: Document, format: str) -> str:
    if format == "json":
        return to_json(found)
    if format == "openai":
        from gptoss.transcripts.openai import to_openai

        return to_openai(found)
    if format == "sharegpt":
        from gptoss.transcripts.sharegpt import to_sharegpt

        return to_sharegpt(found)
    from gptoss.transcripts.markdown import to_markdown

    return to_markdown(found)


def _redactor() -> Redactor:
    from getpass import getuser

    from gptoss.transcripts.redaction import Redactor

    names = {Path.home().name}
    with suppress(OSError, KeyError, ImportError):  # it may be that nobody by name runs this
        names.add(getuser())
    return Redactor(names)


def _make(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportFailed(f"cannot make the folder {folder}: {error.strerror or error}") from error
    return folder


def _file_name(session: str, ending: str, taken: set[str]) -> str:
    """A name for a session's file that every system takes, and that no other session of this export has."""
    stem = re.sub(r"[^\w.-]+", "_", session).strip("._")[:LONGEST_FILE_NAME] or "session"
    number = 1
    name = f"{stem}{ending}"
    while name.lower() in taken:
        number += 1
        name = f"{stem}-{number}{ending}"
    taken.add(name.lower())
    return name


def _write(file: Path, chunks: Iterable[str]) -> None:
    """The whole file or none of it: an export that fails half-way leaves what was there before."""
    try:
        if file.exists() and not file.is_file():
            with file.open("wb") as pipe:  # or a device
                pipe.writelines(chunk.encode() for chunk in chunks)
            return
        file = file.resolve()  # a link stays a link
        unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
        try:
            with unfinished.open("wb") as part:
                part.writelines(chunk.encode() for chunk in chunks)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise ExportFailed(f"cannot write {file}: {error.strerror or error}") from error
