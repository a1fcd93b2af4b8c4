"""`gptoss redact` and `gc`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.completions import branch_names
from gptoss.cli.commands.options import Database, Name


def redact(
    name: Name,
    at: Annotated[int, typer.Option("--at", metavar="SEQ", help="The event, as `gptoss export --format json` counts.")],
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch", metavar="NAME", help="On this branch (default: the current one).", autocompletion=branch_names
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database: Database = None,
) -> Command:
    """Remove what an event says for good, and leave the rest of the session provably as it was."""
    from gptoss.cli.removing import redact_event

    return lambda tools: redact_event(
        tools.adapters, database, name, at, tools.out, branch=branch, reason=reason, sure=yes
    )


def gc(
    full: Annotated[
        bool, typer.Option("--full", help="Write the whole database anew, which takes as much free space.")
    ] = False,
    database: Database = None,
) -> Command:
    """Give the space of what was deleted back to the disk."""
    from gptoss.cli.removing import collect_garbage

    return lambda tools: collect_garbage(tools.adapters, database, tools.out, full=full)
