"""What can be typed into a chat beside messages: `/undo`, `/tree`, `/effort high` and so on.

Each command is a method whose docstring is its help; what it does to the session is an operation on the log, as the
command of the same name outside a chat does it.
"""

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

from msgspec.structs import replace

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.branches import show_tree
from gptoss.cli.conversing import Chat, tokens_per_second
from gptoss.cli.display import Display
from gptoss.cli.editing import edit
from gptoss.cli.formats import FORMATS
from gptoss.cli.names import quoted
from gptoss.cli.output import Output
from gptoss.cli.putting_back import put_back_files
from gptoss.cli.sessions import list_sessions
from gptoss.engine.branching import fork, parse_point, switch, turn_seqs, undo
from gptoss.engine.conversation import next_step
from gptoss.engine.errors import UsageError
from gptoss.engine.ports import BranchInfo, EventLog, SessionInfo
from gptoss.engine.settings import ReasoningEffort
from gptoss.engine.state import State
from gptoss.engine.updates import Update

Watch = Callable[[Iterator[Update]], None]
"""Shows a turn as it happens."""


class Leave(Exception):
    """The user wants to leave."""


class SlashCommands:
    """The commands of one chat.

    `watch` shows the turns that they begin; `raw` says whether raw mode is on, and switches it first.
    """

    def __init__(
        self,
        chat: Chat,
        adapters: Adapters,
        database: str | None,
        display: Display,
        out: Output,
        watch: Watch,
        raw: Callable[[bool | None], bool],
    ) -> None:
        self._chat = chat
        self._adapters = adapters
        self._database = database
        self._display = display
        self._out = out
        self._watch = watch
        self._raw = raw

    @property
    def names(self) -> dict[str, str]:
        """The commands with what they do, in the order of /help."""
        return {name: _help(method) for name, method in _METHODS.items()}

    def run(self, text: str) -> None:
        """Obey a line that begins with a slash. UsageError for one that cannot be understood; Leave."""
        word, _, rest = text.partition(" ")
        method = _METHODS.get(word)
        if method is None:
            raise UsageError(f"there is no command {word}; /help lists them (a space before it makes it a message)")
        method(self, rest.strip())

    # The arguments after a command's name are in the first line of its help.

    def help(self, argument: str) -> None:
        """[COMMAND] · this list, or what one command does"""
        name = "/" + argument.removeprefix("/")
        if argument and name not in _METHODS:
            raise UsageError(f"there is no command {name}; /help lists them")
        shown = {name: self.names[name]} if argument else self.names
        usages = {name: " ".join(filter(None, (name, _usage(_METHODS[name])))) for name in shown}
        width = max(map(len, usages.values()))
        for name, what in shown.items():
            self._out.line(f"{usages[name]:<{width}}   {what}")
        if not argument:
            self._out.line()
            self._out.line(
                "Enter sends; Alt-Enter or Ctrl-J begins a new line, and so do lines between two lines of "
                '""". Ctrl-G opens your editor, Ctrl-R searches what you typed before. Ctrl-C stops an answer '
                "and keeps what was said; Ctrl-D leaves.",
                "dim",
            )

    def exit(self, argument: str) -> None:
        """leave (so does Ctrl-D); the session is kept"""
        raise Leave

    def go_on(self, argument: str) -> None:
        """go on with an answer that was cut off"""
        conversation = self._chat.conversation()
        if next_step(conversation.state) is None:
            self._display.notice("There is nothing to go on with: the last answer is whole.")
        else:
            self._watch(conversation.proceed())

    def undo(self, argument: str) -> None:
        """[N] · go back to before the last turn, or the last N, on a new branch"""
        turns = _number(argument, "/undo")

        def operation(log: EventLog, session: SessionInfo) -> BranchInfo:
            put_back_files(self._adapters, log, session, turns, self._out, workspace=self._chat.tool_options.workspace)
            return undo(log, session, turns)

        branch = self._chat.move(operation)
        what = "The last turn is" if turns == 1 else f"The last {turns} turns are"
        self._display.notice(f"{what} undone; the way back: /switch {self._came_from(branch.id)}")

    def retry(self, argument: str) -> None:
        """have the last message answered once more, on a new branch"""
        text = self._last_message()
        self._chat.move(undo)
        self._say(text)

    def edit(self, argument: str) -> None:
        """change your last message in your editor and send it, on a new branch"""
        before = self._last_message()
        text = edit(before).strip()
        if not text or text == before.strip():
            self._display.notice("Nothing was changed.")
            return
        self._chat.move(undo)
        self._out.line(f"> {text}", "user")
        self._say(text)

    def branch(self, argument: str) -> None:
        """[SEQ|TURN] [NAME] · go on from an earlier point, such as t2, on a new branch"""
        words = _words(argument)
        if len(words) > 2:
            raise UsageError("/branch takes a point such as t2, and a name")
        point, name = [*words, None, None][:2]
        branch = self._chat.move(
            lambda log, session: fork(
                log,
                session,
                log.branch(session.branch).head if point is None else parse_point(log, session.branch, point),
                name,
            )
        )
        self._display.notice(f"This is the branch {branch.name}; the way back: /switch {self._came_from(branch.id)}")

    def switch(self, argument: str) -> None:
        """BRANCH · go on with another branch"""
        branch = self._chat.move(
            lambda log, session: switch(log, session, _one(argument, "/switch", "a branch; /tree lists them")),
            keep_settings=False,
        )
        self._display.notice(f"This is the branch {branch.name}.")
        self._show_last_turn()

    def clear(self, argument: str) -> None:
        """begin anew in this session; what was said stays on its branch"""

        def to_the_beginning(log: EventLog, session: SessionInfo) -> BranchInfo:
            begins = turn_seqs(log, session.branch)
            return fork(log, session, begins[0] - 1) if begins else log.branch(session.branch)

        branch = self._chat.move(to_the_beginning)
        self._display.notice(f"Nothing has been said here; the way back: /switch {self._came_from(branch.id)}")

    def tree(self, argument: str) -> None:
        """the branches of this session and where each was forked"""
        self._existing()
        show_tree(self._adapters, self._database, self._chat.name, self._out, as_json=False)

    def sessions(self, argument: str) -> None:
        """all sessions, the most recently used first"""
        list_sessions(self._adapters, self._database, self._out, as_json=False)

    def resume(self, argument: str) -> None:
        """NAME · leave this session and go on with another one"""
        self._chat.resume(_one(argument, "/resume", "the name of a session; /sessions lists them"))
        self._display.notice(f"This is the session {self._chat.name}.")
        self._show_last_turn()

    def rename(self, argument: str) -> None:
        """NAME · give this session another name"""
        self._chat.rename(_one(argument, "/rename", "the new name"))
        self._display.notice(f"This session is called {self._chat.name} now.")

    def search(self, argument: str) -> None:
        """TEXT · where something was said, in all sessions"""
        from gptoss.cli.searching import search_sessions

        if not argument:
            raise UsageError("/search needs something to look for")
        search_sessions(
            self._adapters,
            self._database,
            argument,
            self._out,
            session=None,
            role=None,
            since=None,
            until=None,
            limit=10,
            as_json=False,
        )

    def save(self, argument: str) -> None:
        """FILE · write the session as Markdown"""
        self._export(_one(argument, "/save", "a file"), "md")

    def export(self, argument: str) -> None:
        """FILE · write the session in the format that the file's ending names, such as .html or .json"""
        file = _one(argument, "/export", "a file such as chat.html")
        endings = {ending: name for name, ending in FORMATS.items() if file.endswith(ending)}
        if not endings:
            raise UsageError(f"/export knows the format by the file's ending: one of {', '.join(FORMATS.values())}")
        self._export(file, endings[max(endings, key=len)])

    def effort(self, argument: str) -> None:
        """[low|medium|high] · how much the model thinks"""
        efforts = get_args(ReasoningEffort)
        if argument and argument not in efforts:
            raise UsageError(f"/effort is {', '.join(efforts)}, not {argument!r}")
        if argument:
            self._chat.change(replace(self._chat.settings, reasoning_effort=argument))
        self._display.notice(f"Reasoning effort: {self._chat.settings.reasoning_effort}")

    def tools(self, argument: str) -> None:
        """[NAME on|off] · which tools the model has, or give it one or take it away"""
        specs = self._adapters.tool_specs()
        if argument:
            name, _, state = argument.partition(" ")
            if name not in specs or state not in ("on", "off"):
                raise UsageError(f"/tools takes one of {', '.join(specs)} and on or off, as in /tools python on")
            others = tuple(spec for spec in self._chat.settings.tools if spec.name != name)
            wanted = {spec.name for spec in others} | ({name} if state == "on" else set())
            self._chat.change(
                replace(self._chat.settings, tools=tuple(spec for spec in specs.values() if spec.name in wanted))
            )
        has = {spec.name for spec in self._chat.settings.tools}
        self._display.notice("Tools: " + ", ".join(f"{name} {'on' if name in has else 'off'}" for name in specs))

    def think(self, argument: str) -> None:
        """[show|hide] · whether to show what the model thinks"""
        if argument not in ("", "show", "hide"):
            raise UsageError(f"/think is show or hide, not {argument!r}")
        if argument:
            self._display.shows_reasoning = argument == "show"
        self._display.notice(f"Reasoning is {'shown' if self._display.shows_reasoning else 'hidden'}.")

    def raw(self, argument: str) -> None:
        """[on|off] · show the Harmony stream itself, as the model reads and writes it"""
        if argument not in ("", "on", "off"):
            raise UsageError(f"/raw is on or off, not {argument!r}")
        is_on = self._raw(argument == "on" if argument else None)
        self._display.notice(f"Raw mode is {'on' if is_on else 'off'}.")

    def tokens(self, argument: str) -> None:
        """how much of the context is used, and how fast the last answer came"""
        state = self._existing()
        conversation = self._chat.conversation()
        used = self._chat.used_tokens()
        self._out.line(f"{used:,} of {conversation.context:,} tokens are used; {state.turn} turns")
        finished = state.generation.finished if state.generation else None
        if state.generation is not None and finished is not None:
            count = len(state.generation.ids) - state.generation.inherited
            rate = tokens_per_second(state)
            self._out.line(
                f"last answer: {finished.prefilled} prompt tokens computed, first token after "
                f"{finished.first_token_ms} ms, {count} tokens" + (f" at {rate:.0f} a second" if rate else "")
            )

    def system(self, argument: str) -> None:
        """[TEXT|off] · the developer message: instructions that stand above all that you say"""
        if argument:
            message = None if argument == "off" else argument
            self._chat.change(replace(self._chat.settings, developer_message=message))
        message = self._chat.settings.developer_message
        self._display.notice(f"Developer message: {message}" if message else "There is no developer message.")

    def copy(self, argument: str) -> None:
        """put the last answer into the clipboard (OSC 52: the terminal must allow it)"""
        answers = [entry.message for entry in self._existing().entries if entry.message.is_final]
        if not answers:
            raise UsageError("there is no answer to copy yet")
        self._out.copy(answers[-1].content)
        self._display.notice("The last answer is in the clipboard, if this terminal allows it.")

    def _say(self, text: str) -> None:
        self._watch(self._chat.conversation().say(text))

    def _existing(self) -> State:
        state = self._chat.state
        if state is None:
            raise UsageError("nothing has been said yet")
        return state

    def _last_message(self) -> str:
        for entry in reversed(self._existing().entries[:]):
            if entry.message.role == "user":
                return str(entry.message.content)
        raise UsageError("nothing has been said yet")

    def _came_from(self, branch: str) -> str:
        """The name of the branch that a fork began on."""
        info = self._chat.log.branch(branch)
        return quoted(self._chat.log.branch(info.parent).name) if info.parent else "main"

    def _show_last_turn(self) -> None:
        state = self._existing()
        for entry in state.entries:
            if entry.turn == state.turn and entry.message.channel != "analysis":
                self._display.message(entry.message, partial=entry.partial)

    def _export(self, file: str, format: str) -> None:
        from gptoss.cli.exporting import Choice, export_session

        self._existing()
        choice, path = Choice(format=format), Path(file).expanduser()
        export_session(self._adapters, self._database, self._chat.name, choice, self._out, self._out, file=path)
        self._display.notice(f"Written to {file}.")


Method = Callable[[SlashCommands, str], None]

_METHODS: dict[str, Method] = {
    "/help": SlashCommands.help,
    "/exit": SlashCommands.exit,
    "/continue": SlashCommands.go_on,
    "/undo": SlashCommands.undo,
    "/retry": SlashCommands.retry,
    "/edit": SlashCommands.edit,
    "/branch": SlashCommands.branch,
    "/switch": SlashCommands.switch,
    "/tree": SlashCommands.tree,
    "/clear": SlashCommands.clear,
    "/sessions": SlashCommands.sessions,
    "/resume": SlashCommands.resume,
    "/rename": SlashCommands.rename,
    "/search": SlashCommands.search,
    "/save": SlashCommands.save,
    "/export": SlashCommands.export,
    "/effort": SlashCommands.effort,
    "/tools": SlashCommands.tools,
    "/think": SlashCommands.think,
    "/raw": SlashCommands.raw,
    "/tokens": SlashCommands.tokens,
    "/system": SlashCommands.system,
    "/copy": SlashCommands.copy,
}


def _usage(method: Method) -> str:
    before, dot, _ = (method.__doc__ or "").partition(" · ")
    return before if dot else ""


def _help(method: Method) -> str:
    before, _, after = (method.__doc__ or "").partition(" · ")
    return after or before


def _words(argument: str) -> list[str]:
    try:
        return shlex.split(argument)
    except ValueError as error:
        raise UsageError(f"{argument!r} has a quotation mark without its other half") from error


def _one(argument: str, command: str, what: str) -> str:
    words = _words(argument)
    if len(words) != 1:
        raise UsageError(f"{command} needs {what}" + (" (in quotes, if it has spaces)" if words else ""))
    return words[0]


def _number(argument: str, command: str) -> int:
    if argument and not argument.isdecimal():
        raise UsageError(f"{command} takes a number, not {argument!r}")
    return int(argument or 1)
