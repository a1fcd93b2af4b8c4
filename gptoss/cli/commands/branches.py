"""`gptoss branch`, `undo`, `switch`, `tree`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.completions import branch_names
from gptoss.cli.commands.options import AsJson, Database, Name, Workspace


def branch(
    name: Name,
    at: Annotated[
        str | None,
        typer.Option(metavar="SEQ|TURN", help="An event such as 17, or the end of a turn such as t3 (default: now)."),
    ] = None,
    new: Annotated[str | None, typer.Option("--as", metavar="NEW", help="What to call the new branch.")] = None,
    database: Database = None,
) -> Command:
    """Go on from an earlier point, on a new branch; the old one stays."""
    from gptoss.cli.branches import branch_session

    return lambda tools: branch_session(tools.adapters, database, name, tools.out, at=at, new=new)


def undo(
    name: Name,
    turns: Annotated[int, typer.Argument(metavar="[N]", help="How many turns (default: 1).", show_default=False)] = 1,
    files: Annotated[
        bool | None,
        typer.Option(
            "--files/--no-files",
            help="Whether files that patches changed go back too (default: ask, at a terminal).",
            show_default=False,
        ),
    ] = None,
    workspace: Workspace = None,
    database: Database = None,
) -> Command:
    """Go back to before the last N turns, on a new branch; the old one stays."""
    from gptoss.cli.branches import undo_turns

    return lambda tools: undo_turns(tools.adapters, database, name, turns, tools.out, files=files, workspace=workspace)


def switch(
    name: Name,
    to: Annotated[
        str,
        typer.Argument(
            metavar="BRANCH", help="The branch to go on with.", show_default=False, autocompletion=branch_names
        ),
    ],
    database: Database = None,
) -> Command:
    """Go on with another branch of a session."""
    from gptoss.cli.branches import switch_branch

    return lambda tools: switch_branch(tools.adapters, database, name, to, tools.out)


def tree(name: Name, as_json: AsJson = False, database: Database = None) -> Command:
    """Show the branches of a session and where each was forked."""
    from gptoss.cli.branches import show_tree

    return lambda tools: show_tree(tools.adapters, database, name, tools.out, as_json=as_json)
