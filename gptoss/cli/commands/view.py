"""`gptoss view`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command, Tools
from gptoss.cli.commands.options import Database, Name


def view(
    name: Name,
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="The port to listen on (default: a free one).")
    ] = 0,
    show: Annotated[bool, typer.Option("--open/--no-open", help="Whether to open a browser (default: open).")] = True,
    database: Database = None,
) -> Command:
    """Open a session as a page in the browser, live: it follows a running chat."""

    def run(tools: Tools) -> int:
        from gptoss.cli.viewing import view_session

        return view_session(tools.adapters, database, name, tools.out, port=port, show=show)

    return run
