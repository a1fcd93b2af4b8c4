"""`gptoss chat` at a terminal: the user and the model take turns until one of them leaves."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext

from gptoss import __version__
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.conversing import Chat
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.output import INTERRUPTED, Output
from gptoss.cli.prompting import edits_lines, line_reader
from gptoss.cli.raw import RawDisplay
from gptoss.cli.slash.commands import commands, obey
from gptoss.cli.slash.dialogue import Dialogue, Leave
from gptoss.cli.terminal import typing_ahead
from gptoss.cli.watching import watch
from gptoss.engine.conversation import Step, next_step
from gptoss.engine.errors import GptossError, StorageError
from gptoss.engine.state import State
from gptoss.engine.updates import Update

RECENT_TURNS = 2
"""Turns that are shown when a session is resumed."""

_AFTER_A_CRASH: dict[Step, str] = {
    "continue": "The program was stopped in the middle of this answer. It goes on from the exact token:",
    "answer": "The program was stopped before this was answered. Here is the answer:",
    "call": "The program was stopped before this tool was called. The turn goes on:",
}


class InteractiveChat:
    """A dialogue at a terminal. `database` is where its session is, None for our own."""

    def __init__(
        self,
        chat: Chat,
        interrupts: Interrupts,
        out: Output,
        err: Output,
        adapters: Adapters,
        database: str | None,
        *,
        raw: bool,
    ) -> None:
        self._chat = chat
        self._interrupts = interrupts
        self._out = out
        self._err = err
        self._display = chat.display(out, out, hint=", /continue goes on", follows=True)
        self._said_anything = False
        self._status: Sequence[str] = ()
        self._raw: RawDisplay | None = None
        self._is_raw = raw
        self._dialogue = Dialogue(chat, adapters, database, self._display, out, self._watch, self._set_raw)
        self._commands = commands()
        self._read = line_reader(
            out,
            None if adapters.together else adapters.folders.data,
            commands=self._commands,
            names={
                "/resume": lambda: [session.name for session in chat.log.sessions()],
                "/switch": chat.branches,
                "/help": lambda: self._commands,
            },
            status=lambda: self._status,
        )

    def run(self) -> int:
        """Until the user leaves. The exit code."""
        with typing_ahead() if edits_lines(self._out) else nullcontext():
            return self._run()

    def _run(self) -> int:
        self._open()
        try:
            while not self._interrupts.leaving:
                text = self._next_line()
                if text is None:
                    break
                self._obey(text)
        except Leave:
            pass
        finally:
            self._leave()
        return INTERRUPTED if self._interrupts.leaving else 0

    def _open(self) -> None:
        facts = (
            f"session {self._chat.name}",
            self._chat.model_name,
            f"reasoning {self._chat.settings.reasoning_effort}",
        )
        self._out.sentence(" · ".join((f"gptoss {__version__}", *facts)), "bold")
        self._dialogue.show_tools()
        if self._chat.is_new:
            self._out.line(f"To come back: {self._chat.resume_command}", "dim")
            self._out.line("/help lists what else can be typed.", "dim")
        self._chat.load()
        if not self._chat.is_new:
            self._attempt(self._resume)

    def _resume(self) -> None:
        """Show where the session is, and go on by itself with what a crash cut off."""
        conversation = self._chat.conversation()
        state = conversation.state
        self._show_recent(state)
        step = next_step(state)
        if step is None:
            return
        finished = state.generation.finished if state.generation is not None else None
        if step == "continue" and finished is not None and finished.reason != "crashed":
            self._display.notice("This answer was cut off; /continue goes on.")
            return
        begun = step != "continue" or (state.generation is not None and len(state.generation.ids) > 0)
        self._display.notice(_AFTER_A_CRASH[step if begun else "answer"])
        self._watch(conversation.proceed())

    def _show_recent(self, state: State) -> None:
        earlier = max(state.turn - RECENT_TURNS, 0)
        if earlier:
            self._display.notice(f"… {earlier} earlier {'turn' if earlier == 1 else 'turns'}")
        for entry in state.entries:
            if entry.turn > earlier and (entry.message.channel != "analysis" or entry.partial):
                self._display.message(entry.message, partial=entry.partial)

    def _next_line(self) -> str | None:
        """What the user wants, None being to leave."""
        self._status = self._chat.status() if self._out.is_terminal else ()
        self._out.line()
        try:
            with self._chat.head_start():
                text = self._read().strip()
        except EOFError:
            return None
        except KeyboardInterrupt:
            if self._interrupts.leaving:
                return None
            self._out.line("Ctrl-D or /exit leaves.", "notice")
            return ""
        return text

    def _obey(self, text: str) -> None:
        word = text.split(maxsplit=1)[0] if text else ""
        # A path is no command: "/etc/hosts is wrong, why?" is a message.
        if word in self._commands or (word == text and word[:1] == "/" and word[1:].isalpha()):
            self._attempt(lambda: obey(self._dialogue, text))
        elif text:
            self._attempt(lambda: self._watch(self._chat.conversation().say(text)))

    def _attempt(self, action: Callable[[], None]) -> None:
        """An error ends what was tried, not the dialogue."""
        try:
            action()
        except GptossError as error:
            self._display.end()
            self._err.sentence(f"gptoss: {error}", "error")
            if isinstance(error, StorageError):
                # What this process believes of the session may no longer be so.
                self._chat.reopen_later()

    def _watch(self, updates: Iterator[Update]) -> None:
        self._said_anything = True
        if self._is_raw and self._raw is None:
            self._raw = self._chat.raw(self._out)
        with self._interrupts.answering():
            watch(updates, self._raw if self._is_raw and self._raw else self._display)
        state = self._chat.state
        is_over = state is not None and next_step(state) is None and not self._interrupts()
        if is_over and state is not None and state.last is not None and not state.last.message.is_final:
            self._display.notice("The model ended its turn without an answer; /retry asks it again.")

    def _set_raw(self, on: bool | None) -> bool:
        self._is_raw = self._is_raw if on is None else on
        return self._is_raw

    def _leave(self) -> None:
        if self._said_anything:
            self._out.line(f"Saved. To come back: {self._chat.resume_command}", "dim")
