"""`gptoss tool`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.completions import one_of, session_names
from gptoss.cli.commands.options import BrowserSource, Database, PythonBackend, PythonRestore, Workspace


def tool(
    recipient: Annotated[
        str,
        typer.Argument(
            metavar="RECIPIENT",
            help="browser.search, browser.open, browser.find, python or functions.apply_patch.",
            show_default=False,
            autocompletion=one_of("browser.search", "browser.open", "browser.find", "python", "functions.apply_patch"),
        ),
    ],
    session: Annotated[
        str | None,
        typer.Option(
            "--session",
            metavar="NAME",
            help="Remember what this session's calls kept; it is not written.",
            autocompletion=session_names,
        ),
    ] = None,
    workspace: Workspace = None,
    python_backend: PythonBackend = None,
    python_restore: PythonRestore = False,
    browser_source: BrowserSource = None,
    database: Database = None,
) -> Command:
    """Run one tool call by hand: its arguments come from standard input, what the model would read goes to standard
    output.

    The exit code is 1 when the tool reports an error.
    """
    from gptoss.cli.calling import call_tool
    from gptoss.cli.tooling import ToolOptions

    options = ToolOptions(
        workspace=workspace,
        python_backend=python_backend,
        python_restore=python_restore,
        browser_source=browser_source,
    )
    return lambda tools: call_tool(
        tools.adapters, recipient, options, tools.out, tools.err, session=session, database=database
    )
