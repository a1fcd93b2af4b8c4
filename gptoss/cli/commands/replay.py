"""`gptoss replay`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.options import Database, Name


def replay(
    name: Name,
    speed: Annotated[
        float, typer.Option(metavar="X", help="So many times as fast as it was; 0 shows everything at once.")
    ] = 1.0,
    until: Annotated[int | None, typer.Option(metavar="SEQ", help="Stop after this event.")] = None,
    database: Database = None,
) -> Command:
    """Show a session again as it happened; no model runs."""
    from gptoss.cli.replaying import replay_session

    return lambda tools: replay_session(tools.adapters, database, name, tools.out, speed=speed, until=until)
