"""What Tab and the menu below the line offer: commands, names of sessions and branches, files."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from gptoss.cli.names import quoted

Names = Mapping[str, Callable[[], Iterable[str]]]
"""A command and the names that can follow it by now."""

_FILE = ("/save", "/export")
_WORDS = {
    "/effort": ("low", "medium", "high"),
    "/think": ("show", "hide"),
    "/raw": ("on", "off"),
    "/tools": ("python on", "python off", "apply_patch on", "apply_patch off", "browser on", "browser off"),
    "/system": ("off",),
}


class SlashCompleter(Completer):
    """Completes lines that begin with a slash; messages are left alone.

    `commands` are the commands with what they do; `names` are those of sessions and the like.
    """

    def __init__(self, commands: Mapping[str, str], names: Names) -> None:
        self._commands = commands
        self._names = names

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """See prompt_toolkit."""
        line = document.text_before_cursor
        command, space, rest = line.partition(" ")
        if not line.startswith("/") or "\n" in line:
            return
        if not space:
            for name, what in self._commands.items():
                if name.startswith(command):
                    yield Completion(name, -len(command), display_meta=what)
        elif command in _FILE:
            yield from _files(rest)
        else:
            for word in _WORDS.get(command, ()):
                if word.startswith(rest):
                    yield Completion(word, -len(rest))
            for name in self._names.get(command, tuple)():
                if name.startswith(rest.lstrip("'")):
                    yield Completion(quoted(name), -len(rest), display=name)


def _files(begun: str) -> Iterator[Completion]:
    """The files that a path may go on to; a folder ends with a slash, so that one can go on into it."""
    typed = begun.lstrip("'")
    folder, slash, name = typed.rpartition("/")
    where = Path(folder + slash or ".").expanduser()
    try:
        with os.scandir(where) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError:
        return
    for file, is_folder in found:
        if file.startswith(name) and not (file.startswith(".") and not name):
            path = folder + slash + file
            if path.split() != [path] or "'" in path:
                path = quoted(path).removesuffix("'" * is_folder)  # what is in the folder may follow
            yield Completion(path + "/" * is_folder, -len(begun), display=file + "/" * is_folder)
