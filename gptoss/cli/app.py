"""The command line as a whole: which commands there are.

Parsing only says what is to be done: each function in `gptoss.cli.commands` returns a `Command`, which
`gptoss.cli.main` runs afterwards, out of reach of what the parsing library does with signals and errors.
"""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.branches import branch, switch, tree, undo
from gptoss.cli.commands.chat import chat
from gptoss.cli.commands.doctor import doctor
from gptoss.cli.commands.export import export, import_
from gptoss.cli.commands.models import models
from gptoss.cli.commands.removing import gc, redact
from gptoss.cli.commands.replay import replay, verify
from gptoss.cli.commands.search import search
from gptoss.cli.commands.server import server
from gptoss.cli.commands.sessions import sessions
from gptoss.cli.commands.tail import tail
from gptoss.cli.commands.tool import tool
from gptoss.cli.commands.view import view
from gptoss.engine.errors import UsageError

app = typer.Typer(
    help="Chat with gpt-oss models; nothing that was said is ever lost.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def gptoss(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    # Both are dealt with before this module is loaded, see `gptoss.cli.main`; here they are listed by --help.
    pass


app.command(context_settings={"allow_extra_args": True})(chat)
app.add_typer(sessions, name="sessions", invoke_without_command=True)
app.command()(branch)
app.command()(undo)
app.command()(switch)
app.command()(tree)
app.command()(export)
app.command("import")(import_)
app.command()(view)
app.command()(search)
app.command()(redact)
app.command()(gc)
app.command()(doctor)
app.command()(replay)
app.command()(models)
app.command()(tail)
app.command()(verify)
app.command()(server)
app.command()(tool)


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
