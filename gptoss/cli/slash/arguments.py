"""What stands after a command's name."""

import shlex

from gptoss.engine.errors import UsageError


def words(argument: str) -> list[str]:
    """Its words, as a shell takes them."""
    try:
        return shlex.split(argument)
    except ValueError as error:
        raise UsageError(f"{argument!r} has a quotation mark without its other half") from error


def one(argument: str, command: str, what: str) -> str:
    """The only word; `what` says what it stands for."""
    found = words(argument)
    if len(found) != 1:
        raise UsageError(f"{command} needs {what}" + (" (in quotes, if it has spaces)" if found else ""))
    return found[0]


def number(argument: str, command: str) -> int:
    """A number, 1 if there is none."""
    if argument and not argument.isdecimal():
        raise UsageError(f"{command} takes a number, not {argument!r}")
    return int(argument or 1)
