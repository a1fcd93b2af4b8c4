"""The commands and their options.

Parsing only says what is to be done: each function here returns a `Command`, which `gptoss.cli.main` runs afterwards,
out of reach of what the parsing library does with signals and errors.
"""

from pathlib import Path
from typing import Annotated

import typer

from gptoss.cli.command import Command, Tools
from gptoss.engine.errors import UsageError

app = typer.Typer(
    help="Chat with gpt-oss models; nothing that was said is ever lost.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
sessions = typer.Typer(help="List, show, rename and delete sessions.")
app.add_typer(sessions, name="sessions", invoke_without_command=True)


Database = Annotated[
    str | None,
    typer.Option("--db", metavar="URL", help="Database: a file or a URL (default: GPTOSS_DATABASE_URL, or our own)."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The session.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def gptoss(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    # Both are dealt with before this module is loaded, see `gptoss.cli.main`; here they are listed by --help.
    pass


@app.command(context_settings={"allow_extra_args": True})
def chat(
    context: typer.Context,
    first: Annotated[
        str | None,
        typer.Argument(metavar="CHECKPOINT", help="A checkpoint: a file or folder that exists.", show_default=False),
    ] = None,
    second: Annotated[str | None, typer.Argument(metavar="PROMPT", help="What to say.", show_default=False)] = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="NAME", help="Continue this session, or begin it.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The model (default: the session's own, GPTOSS_CHECKPOINT, the embedded one)."
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to say, even if it looks like a path.")
    ] = None,
    reasoning_effort: Annotated[
        str | None,
        typer.Option("--reasoning-effort", "-r", metavar="low|medium|high", help="How much to think (default: low)."),
    ] = None,
    developer_message: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instructions that stand above all that the user says.")
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option("--context", "-c", metavar="N", help="Tokens for prompt and answer together (default: 8192)."),
    ] = None,
    backend: Annotated[str | None, typer.Option(metavar="NAME", help="What runs the model (default: auto).")] = None,
    temperature: Annotated[
        float | None, typer.Option(metavar="T", help="0 takes the likeliest token (default: the checkpoint's).")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option("--top-p", metavar="P", help="Draw from the likeliest P of probability.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Draw the same tokens every time.")] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", help="At most so many tokens at a time.")
    ] = None,
    database: Database = None,
) -> Command:
    """Talk with a model, or answer one PROMPT.

    With PROMPT or piped text the answer alone goes to standard output, everything else to standard error.
    """
    words = [word for word in (first, second, *context.args) if word is not None]

    def run(tools: Tools) -> int:
        from gptoss.cli.chat import chat
        from gptoss.cli.request import ChatRequest, joined, piped_text, positionals

        found, said = positionals(words)
        if (checkpoint and found) or (prompt is not None and said is not None):
            raise UsageError("the checkpoint or the prompt is given twice, as an option and as an argument")
        request = ChatRequest(
            checkpoint=checkpoint or found,
            session=session,
            prompt=joined(said if prompt is None else prompt, piped_text()),
            reasoning_effort=reasoning_effort,  # type: ignore[arg-type]  # checked with the rest
            developer_message=developer_message,
            context=tokens,
            backend=backend,
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            max_tokens=max_tokens,
            database=database,
        )
        return chat(request, *tools)

    return run


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
    from gptoss.cli.sessions import delete_session

    return lambda tools: delete_session(tools.adapters, database, name, tools.out, sure=yes)


@app.command()
def export(
    name: Name,
    format: Annotated[str, typer.Option("--format", "-f", metavar="md|json", help="What to write.")] = "md",
    file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where (default: standard output).")
    ] = None,
    database: Database = None,
) -> Command:
    """Write a session as Markdown or JSON."""
    from gptoss.cli.exporting import export_session

    return lambda tools: export_session(tools.adapters, database, name, tools.out, format=format, file=file)


@app.command()
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


def parse(arguments: list[str]) -> Command:
    """What the command line asks for; a request for help has been answered then. Raises UsageError."""
    try:
        found = app(arguments, prog_name="gptoss", standalone_mode=False)
    except Exception as error:
        # The base class of usage errors is not the same in all versions of typer; they share this method.
        if not hasattr(error, "format_message"):
            raise
        message = error.format_message().rstrip(".")
        raise UsageError(f"{message[:1].lower()}{message[1:]}; see `{_help(arguments)}`") from error
    # Whoever only wanted help gets an exit code.
    return found if callable(found) else lambda tools: found or 0


def _help(arguments: list[str]) -> str:
    """Where the help on what was tried is."""
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    tried = [word for word in arguments[:1] if word in {*commands, "sessions"}]
    return " ".join(["gptoss", *tried, "--help"])
