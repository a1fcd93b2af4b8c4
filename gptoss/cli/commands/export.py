"""`gptoss export`."""

from pathlib import Path
from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.options import Database, Name


def export(
    name: Name,
    format: Annotated[str, typer.Option("--format", "-f", metavar="md|json", help="What to write.")] = "md",
    file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where (default: standard output).")
    ] = None,
    database: Database = None,
) -> Command:
    """Write a session as Markdown or JSON."""
    from gptoss.cli.exporting import export_session

    return lambda tools: export_session(tools.adapters, database, name, tools.out, format=format, file=file)
