"""`gptoss export` and `gptoss import`."""

from pathlib import Path
from typing import Annotated

import typer

from gptoss.cli.command import Command, Tools
from gptoss.cli.commands.completions import branch_names, one_of, session_names
from gptoss.cli.commands.options import Database
from gptoss.cli.formats import FORMATS, format_of
from gptoss.engine.errors import UsageError


def export(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The session.", show_default=False, autocompletion=session_names),
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="|".join(FORMATS),
            help="What to write (default: what the ending of FILE says, else md).",
            autocompletion=one_of(*FORMATS),
        ),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch", metavar="NAME", help="This branch instead of the current one.", autocompletion=branch_names
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="SEQ|TURN", help="Nothing after this event, or after turn tN.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every session, each into a file in the folder -o.")
    ] = False,
    no_reasoning: Annotated[
        bool, typer.Option("--no-reasoning", help="Leave out what the model only thought.")
    ] = False,
    redact: Annotated[
        bool, typer.Option("--redact", help="Remove likely secrets, home folders and user names, and say which.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where (default: standard output).")
    ] = None,
    database: Database = None,
) -> Command:
    """Write a session for people or programs; jsonl is the whole of it, for `gptoss import`."""

    def run(tools: Tools) -> int:
        from gptoss.cli.exporting import Choice, export_all, export_session

        ending = None if everything or file is None else format_of(file.name)
        chosen = format if format is not None else ending or "md"
        choice = Choice(format=chosen, branch=branch, until=until, reasoning=not no_reasoning, redact=redact)
        adapters, out, err = tools
        if everything:
            if name is not None:
                raise UsageError(f"--all exports every session: leave out {name!r}, or --all")
            return export_all(adapters, database, choice, out, err, folder=file)
        if name is None:
            raise UsageError("say which session to export, or --all")
        return export_session(adapters, database, name, choice, out, err, file=file)

    return run


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="What to import; of a folder its *.jsonl; - is standard input."),
    ],
    name: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Call the session so.")] = None,
    database: Database = None,
) -> Command:
    """Restore sessions from `export --format jsonl`, or bring in OpenAI-style messages and ShareGPT conversations."""

    def run(tools: Tools) -> int:
        from gptoss.cli.importing import import_files

        return import_files(tools.adapters, database, files, tools.out, tools.err, name=name)

    return run
