"""`gptoss sessions`: list, show, rename, delete."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.options import AsJson, Database, Name

sessions = typer.Typer(help="List, show, rename and delete sessions.")


@sessions.callback()
def listed(context: typer.Context, as_json: AsJson = False, database: Database = None) -> Command | None:
    """List, show, rename and delete sessions; without a command, list them."""
    return list_(as_json, database) if context.invoked_subcommand is None else None


@sessions.command("list")
def list_(as_json: AsJson = False, database: Database = None) -> Command:
    """List all sessions, the most recently used first."""
    from gptoss.cli.sessions import list_sessions

    return lambda tools: list_sessions(tools.adapters, database, tools.out, as_json=as_json)


@sessions.command()
def show(name: Name, as_json: AsJson = False, database: Database = None) -> Command:
    """Show what there is to know about a session."""
    from gptoss.cli.sessions import show_session

    return lambda tools: show_session(tools.adapters, database, name, tools.out, as_json=as_json)


@sessions.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.", show_default=False)],
    database: Database = None,
) -> Command:
    """Rename a session."""
    from gptoss.cli.sessions import rename_session

    return lambda tools: rename_session(tools.adapters, database, name, new, tools.out)


@sessions.command()
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    database: Database = None,
) -> Command:
    """Delete a session with everything in it, for good."""
    from gptoss.cli.removing import delete_session

    return lambda tools: delete_session(tools.adapters, database, name, tools.out, sure=yes)
