"""Options and arguments that several commands share."""

from typing import Annotated

import typer

Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="Database: a file or a URL (default: GPTOSS_DATABASE_URL, or our own)."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The session.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
