"""`gptoss search`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.completions import one_of, session_names
from gptoss.cli.commands.options import AsJson, Database


def search(
    text: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT", help='What to look for: words, "a phrase", begin*, -without.', show_default=False
        ),
    ],
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", metavar="NAME", help="Only in this session.", autocompletion=session_names),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            metavar="ROLE",
            help="Only what a user, assistant, developer, system or tool said, or reasoning "
            "(default: all but tools and reasoning).",
            autocompletion=one_of("user", "assistant", "developer", "system", "tool", "reasoning"),
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Not before, such as 2026-01-31.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Not after.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="At most so many.")] = 20,
    as_json: AsJson = False,
    database: Database = None,
) -> Command:
    """Find where something was said, in all sessions."""
    from gptoss.cli.searching import search_sessions

    return lambda tools: search_sessions(
        tools.adapters,
        database,
        " ".join(text),
        tools.out,
        session=session,
        role=role,
        since=since,
        until=until,
        limit=limit,
        as_json=as_json,
    )
