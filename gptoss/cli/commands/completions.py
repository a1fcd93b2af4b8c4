"""What a shell offers after Tab: names of sessions and branches, and words of which there are only a few.

Nothing is opened for writing, and no model is loaded. Whatever goes wrong, there is nothing to offer: a shell that asks
for completions has no place for an error.
"""

import os
from collections.abc import Callable
from contextlib import closing
from typing import Any

import typer

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.names import quoted
from gptoss.engine.errors import GptossError
from gptoss.engine.ports import EventReader

Completions = list[tuple[str, str]]
"""Words, and what each of them is."""

VARIABLE = "_GPTOSS_COMPLETE"
"""The environment variable in which a shell says that it asks for completions, and which shell it is."""


def session_names(context: typer.Context, incomplete: str) -> Completions:
    """The sessions whose names begin so, the most recently used first."""
    found = _read(
        context, lambda reader: [(session.name, session.preview or "a session") for session in reader.sessions()]
    )
    return [(_typed(name), what) for name, what in found if name.startswith(incomplete)]


def branch_names(context: typer.Context, incomplete: str) -> Completions:
    """The branches of the session that the command line names."""
    # After an option that still waits for its value, arguments have not got their names.
    session = context.params.get("name") or next(iter(context.args), None)
    if session is None:
        return []

    def look(reader: EventReader) -> Completions:
        branches = reader.branches(reader.session(session).id)
        return [(branch.name, f"{branch.head} events") for branch in branches]

    return [(_typed(name), what) for name, what in _read(context, look) if name.startswith(incomplete)]


def profile_names(incomplete: str) -> list[str]:
    """The profiles of the config file."""
    from gptoss.cli.config import profiles

    try:
        return [name for name in profiles(Adapters().folders.config) if name.startswith(incomplete)]
    except GptossError:
        return []


def one_of(*words: str) -> Callable[[str], list[str]]:
    """A completion by words that are always the same."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def _read(context: typer.Context, look: Callable[[EventReader], Completions]) -> Completions:
    try:
        with closing(Adapters().open_reader(context.params.get("database"))) as reader:
            return look(reader)
    except GptossError:
        return []


class _InQuotes(str):
    """A name as bash takes it, which begins as its user began it: without quotation marks, that is."""

    name: str

    def startswith(self, begun: Any, *bounds: Any) -> bool:  # the library drops what does not begin so
        return self.name.startswith(begun, *bounds)


def _typed(name: str) -> str:
    """A name as it is put into the line: bash takes it as it is, the others quote it themselves."""
    if not os.environ.get(VARIABLE, "").endswith("bash"):
        return name
    typed = _InQuotes(quoted(name))
    typed.name = name
    return typed
