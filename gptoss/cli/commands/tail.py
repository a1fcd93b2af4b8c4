"""`gptoss tail`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.options import Database, Name


def tail(
    name: Name,
    turns: Annotated[int, typer.Option("--turns", "-n", metavar="N", help="Show the last N turns first.")] = 2,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Whether to wait for what comes (default: wait).")
    ] = True,
    database: Database = None,
) -> Command:
    """Follow a session live, read-only, while another process chats."""
    from gptoss.cli.tailing import tail_session

    return lambda tools: tail_session(tools.adapters, database, name, tools.out, turns=turns, follow=follow)
