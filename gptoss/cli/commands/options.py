"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from gptoss.cli.commands.completions import one_of, session_names

Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="Database: a file or a URL (default: GPTOSS_DATABASE_URL, or our own)."),
]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The session.", show_default=False, autocompletion=session_names)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Workspace = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="The folder of the files (default: the current one)."),
]
PythonBackend = Annotated[
    str | None,
    typer.Option(
        metavar="bubblewrap|docker|unsafe-local",
        help="Where Python runs (default: bubblewrap, a sandbox).",
        autocompletion=one_of("bubblewrap", "docker", "unsafe-local"),
    ),
]
PythonRestore = Annotated[
    bool, typer.Option("--python-restore", help="Run a resumed session's Python again, so that variables are back.")
]
BrowserSource = Annotated[
    str | None,
    typer.Option(
        metavar="exa|web|FOLDER",
        help="Where pages come from (default: GPTOSS_BROWSER_SOURCE, else exa, which needs EXA_API_KEY).",
        autocompletion=one_of("exa", "web"),
    ),
]
