"""`gptoss export`: a session as a document for people or programs. Loads no model."""

import os
from contextlib import closing
from pathlib import Path

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.formats import FORMATS
from gptoss.cli.output import Output
from gptoss.engine.errors import GptossError, UsageError
from gptoss.transcripts.document import document, to_json


class ExportFailed(GptossError):
    """The file cannot be written."""


def export_session(
    adapters: Adapters, database: str | None, name: str, out: Output, *, format: str, file: Path | None
) -> int:
    """Write the current branch of a session to standard output or into a file."""
    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}: choose one of {', '.join(FORMATS)}")
    with closing(adapters.open_reader(database)) as reader:
        exported = document(reader.read(reader.session(name).branch))
    if format == "json":
        text = to_json(exported)
    else:
        from gptoss.transcripts.markdown import to_markdown

        text = to_markdown(exported)
    if file is None:
        out.write(text)
    else:
        _write(file, text)
    return 0


def _write(file: Path, text: str) -> None:
    """The whole file or none of it: an export that fails half-way leaves what was there before."""
    try:
        if file.exists() and not file.is_file():
            file.write_text(text, encoding="utf-8")  # a pipe or a device
            return
        file = file.resolve()  # a link stays a link
        unfinished = file.with_name(f"{file.name}.{os.getpid()}.part")
        try:
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise ExportFailed(f"cannot write {file}: {error.strerror or error}") from error
