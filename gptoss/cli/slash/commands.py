"""Which commands a chat has, and the help on them.

Each is a function whose docstring is its help, the arguments before a dot; what it does to the session is an operation
on the log, as the command of the same name outside a chat does it.
"""

from collections.abc import Callable
from textwrap import wrap

from gptoss.cli.output import Output
from gptoss.cli.slash import sessions, settings, turns
from gptoss.cli.slash.dialogue import Dialogue, Leave
from gptoss.engine.errors import UsageError

Command = Callable[[Dialogue, str], None]

LEAST_ROOM = 30
"""Columns that the help on a command takes at least, if it stands beside the command."""

KEYS = (
    'Enter sends; Alt-Enter or Ctrl-J begins a new line, and so do lines between two lines of """. Ctrl-G opens your '
    "editor, Ctrl-R searches what you typed before, Tab completes. Ctrl-C stops an answer and keeps what was said; "
    "Ctrl-Z suspends, Ctrl-D leaves."
)


def exit(dialogue: Dialogue, argument: str) -> None:
    """leave (so does Ctrl-D); the session is kept"""
    raise Leave


def help(dialogue: Dialogue, argument: str) -> None:
    """[COMMAND] · this list, or what one command does"""
    name = "/" + argument.removeprefix("/")
    if argument and name not in _COMMANDS:
        raise _unknown(name)
    _list({name: _COMMANDS[name]} if argument else _COMMANDS, dialogue.out)
    if not argument:
        dialogue.out.line()
        dialogue.out.sentence(KEYS, "dim")


_COMMANDS: dict[str, Command] = {
    "/help": help,
    "/exit": exit,
    "/continue": turns.go_on,
    "/undo": turns.undo,
    "/retry": turns.retry,
    "/edit": turns.edit,
    "/branch": turns.branch,
    "/switch": turns.switch,
    "/tree": turns.tree,
    "/clear": turns.clear,
    "/sessions": sessions.sessions,
    "/resume": sessions.resume,
    "/rename": sessions.rename,
    "/search": sessions.search,
    "/save": sessions.save,
    "/export": sessions.export,
    "/effort": settings.effort,
    "/tools": settings.tools,
    "/think": settings.think,
    "/raw": settings.raw,
    "/tokens": settings.tokens,
    "/system": settings.system,
    "/copy": settings.copy,
}


def commands() -> dict[str, str]:
    """The commands with what they do, in the order of /help."""
    return {name: _help(command)[1] for name, command in _COMMANDS.items()}


def obey(dialogue: Dialogue, text: str) -> None:
    """Do what a line that begins with a slash says. UsageError for one that cannot be understood; Leave."""
    word, _, rest = text.partition(" ")
    command = _COMMANDS.get(word)
    if command is None:
        raise _unknown(word)
    command(dialogue, rest.strip())


def _unknown(word: str) -> UsageError:
    meant = [name for name in _COMMANDS if name.startswith(word)]
    hint = f"did you mean {' or '.join(meant)}?" if meant else "/help lists them"
    return UsageError(f"there is no command {word}; {hint} (a space before it makes it a message)")


def _help(command: Command) -> tuple[str, str]:
    """A command's arguments, and what it does."""
    before, dot, after = (command.__doc__ or "").partition(" · ")
    return (before, after) if dot else ("", before)


def _list(shown: dict[str, Command], out: Output) -> None:
    """One command a line, or more where the terminal is narrow."""
    rows = [(f"{name} {_help(command)[0]}".rstrip(), _help(command)[1]) for name, command in shown.items()]
    indent = max(len(usage) for usage, _ in rows) + 3
    beside = not out.width or out.width - indent >= LEAST_ROOM
    for usage, what in rows:
        lines = wrap(what, out.width - indent if beside else max(out.width - 4, 1)) if out.width else [what]
        if not beside:
            out.line(usage)
        for number, line in enumerate(lines):
            out.line(f"{usage if not number else '':<{indent}}{line}" if beside else f"    {line}")
