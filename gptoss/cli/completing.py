"""What Tab and the menu below the line offer: commands, names of sessions, files."""

from collections.abc import Callable, Iterable, Mapping

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

_SESSION = ("/resume",)
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

    `commands` are the commands with what they do; `sessions` gives the names that there are by now.
    """

    def __init__(self, commands: Mapping[str, str], sessions: Callable[[], list[str]]) -> None:
        self._commands = commands
        self._sessions = sessions
        self._files = PathCompleter(expanduser=True)

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
            yield from self._files.get_completions(Document(rest, len(rest)), complete_event)
        else:
            words = self._sessions() if command in _SESSION else _WORDS.get(command, ())
            for word in words:
                if word.startswith(rest):
                    yield Completion(word, -len(rest))
