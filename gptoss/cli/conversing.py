"""A session that is chatted with: found or yet to be created, with its settings and its model."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import date
from typing import TYPE_CHECKING

from gptoss.cli.bootstrap import Adapters, model_name
from gptoss.cli.chat_model import ChatModel
from gptoss.cli.display import Display
from gptoss.cli.finding import find, forked, latest
from gptoss.cli.holding import Hold
from gptoss.cli.names import checked_name, new_name, resume_command
from gptoss.cli.output import Output
from gptoss.cli.request import ChatRequest, initial_settings
from gptoss.cli.shelf import MOST
from gptoss.cli.tooling import ToolOptions
from gptoss.cli.watching import tokens_per_second
from gptoss.engine.branching import rename
from gptoss.engine.conversation import Conversation
from gptoss.engine.errors import GptossError, SessionExists, UsageError
from gptoss.engine.generations import prompt_of
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import BranchInfo, EventLog, SessionInfo, TokenGenerator, Tool
from gptoss.engine.reducer import fold
from gptoss.engine.settings import Settings
from gptoss.engine.state import State

if TYPE_CHECKING:
    from gptoss.cli.raw import RawDisplay


class Chat:
    """The parts of a conversation, opened in the order in which they may fail cheaply: database, then model.

    A new session is stored with its first message, not before: whoever looks in and leaves again leaves no trace.
    `name` is known from the start. A context manager, which closes what it opened.
    """

    def __init__(
        self,
        request: ChatRequest,
        adapters: Adapters,
        cancelled: Callable[[], bool],
        confirm: Callable[[str], bool] | None = None,
    ) -> None:
        self._request = request
        self._adapters = adapters
        self._cancelled = cancelled
        self._confirm = confirm
        self._pause: Callable[[], None] = lambda: None
        self._opened = ExitStack()
        self._tools: dict[str, Tool] = {}
        shelf = adapters.shelf(MOST if request.kv_cache is None else request.kv_cache)
        self._model = ChatModel(adapters, shelf, self._so_far)
        self._log: EventLog = adapters.open_log(request.database)
        self._kept = adapters.kept(self._log.get_blob)
        self._conversation: Conversation | None = None
        self._began = False
        self._held = Hold(self._log, take_over=request.take_over)
        try:
            self._named = request.session or (latest(self._log) if request.latest else None)
            self.info = find(self._log, self._named)
            if request.fork:
                self.info = forked(self._log, self.info, request.session)
            self._hold()
            self.name = self._named or new_name(lambda name: find(self._log, name) is not None)
            before = self._recorded()
            checkpoint = adapters.checkpoint(request.checkpoint, before.checkpoint)
            self.settings = request.settings(before, checkpoint, adapters.toolbox.specs)
        except BaseException:
            self._log.close()
            raise

    def __enter__(self) -> Chat:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        with self._opened:
            try:
                if error is None or issubclass(error, GptossError):
                    self._let_go()
                else:  # whoever presses Ctrl-C twice wants to be gone
                    self.reopen_later()
            finally:
                self._model.close()
                self._log.close()

    @property
    def is_new(self) -> bool:
        return self.info is None

    @property
    def is_named(self) -> bool:
        """Whether the user chose the name."""
        return self._named is not None

    @property
    def model_name(self) -> str:
        """What people are told about which model answers."""
        return model_name(self.settings.checkpoint)

    @property
    def resume_command(self) -> str:
        return resume_command(self.name)

    def display(self, answers: Output, rest: Output, *, hint: str, follows: bool = False) -> Display:
        """A display of this conversation, which can show what its tools keep."""
        display = Display(
            answers,
            rest,
            hint=hint,
            follows=follows,
            kept=self._kept,
            pages=self._request.show_browser_results,
            is_live=True,
        )
        self._pause = display.pause
        return display

    def load(self) -> tuple[TokenGenerator, Harmony]:
        """The model and the vocabulary, loaded with the tools: it takes seconds the first time, nothing after that."""
        harmony = self._model.harmony
        self._equip(harmony)
        return self._model.load(self.settings), harmony

    def conversation(self) -> Conversation:
        """The conversation, opened for writing; this is what creates a session that is new. May raise BranchBusy."""
        self._hold()
        if self._conversation is None:
            generator, harmony = self.load()
            sampling = self._request.sampling(self._adapters.sampling(self.settings.checkpoint))
            if self.info is None:
                self.info = self._log.start(self.name, self.settings)
                self._began = True
                self._hold()
            self._conversation = Conversation(
                self._log,
                self.info.branch,
                harmony=harmony,
                generator=generator,
                seed=self._seed,
                sampling=sampling,
                tools={spec.name: self._tools[spec.name] for spec in self.settings.tools if spec.name in self._tools},
                cancelled=self._cancelled,
            )
            self._conversation.change_settings(self.settings)
            self._kept.begin(self._conversation.state.artefacts[:])
            self._model.recall(self.info.id)
        return self._conversation

    def _let_go(self) -> None:
        """Close the session; what the model has computed for it waits for whoever comes back."""
        self.reopen_later()
        # A single answer in a session that nobody gave a name is hardly ever gone on with.
        comes_back = self._named is not None or self._request.prompt is None
        if comes_back and self.info is not None:
            # From the log as it is now: what was redacted meanwhile must not be kept.
            self._model.store(self.info.id)

    def reopen_later(self) -> None:
        """Let go of the conversation; the next one is opened anew and sees what others have written meanwhile."""
        if self._conversation is not None:
            conversation, self._conversation = self._conversation, None
            conversation.close()
            if self._began and conversation.state.turn == 0 and self.info is not None:
                # Its first message was refused: a session without a word is of no use to anybody.
                self._log.delete(self.info.id)
                self.info = None

    def move(
        self, operation: Callable[[EventLog, SessionInfo], BranchInfo], *, keep_settings: bool = True
    ) -> BranchInfo:
        """Do something to the session's branches, and go on where it leads: with these settings, or the ones there."""
        self.reopen_later()
        if self.info is None:
            raise UsageError("nothing has been said yet")
        self._began = False  # a session that was said something in stays, whatever is undone
        branch = operation(self._log, self._log.session(self.name))
        self.info = self._log.session(self.name)
        if not keep_settings:
            self.settings = self._recorded()
        return branch

    def resume(self, name: str) -> None:
        """Leave this session and go on with another one. SessionNotFound when there is none of that name."""
        found = self._log.session(name)
        self._let_go()
        self.info, self.name, self._began = found, name, False
        self.settings = self._recorded()

    def rename(self, name: str) -> None:
        """Give the session another name. SessionExists when it is taken."""
        checked_name(name)
        if self.info is not None:
            self.reopen_later()
            self.info = rename(self._log, self.info, name)
        elif find(self._log, name) is not None:
            raise SessionExists(f"there is a session {name!r} already: choose another name")
        self.name = name

    def change(self, settings: Settings) -> None:
        """Go on with these settings."""
        if settings != self.settings:
            self.reopen_later()
            self.settings = settings

    @property
    def tool_options(self) -> ToolOptions:
        """How tools run."""
        return self._request.tool_options

    @property
    def log(self) -> EventLog:
        """For looking at what else there is."""
        return self._log

    @property
    def state(self) -> State | None:
        """What the session has come to; None before anything was said."""
        if self._conversation is not None:
            return self._conversation.state
        return None if self.info is None else fold(self._log.read(self.info.branch))

    def raw(self, out: Output) -> RawDisplay:
        """A display of the Harmony stream itself."""
        from gptoss.cli.raw import RawDisplay

        _, harmony = self.load()
        return RawDisplay(out, harmony, lambda: prompt_of(self.conversation().state, harmony))

    def used_tokens(self) -> int:
        """How many tokens the prompt takes by now."""
        _, harmony = self.load()
        return len(prompt_of(self.conversation().state, harmony).ids)

    def status(self) -> list[str]:
        """How much of the context is used, how fast the last answer came, and by what; [] before there is any."""
        if self._conversation is None or self._model.name is None:
            return []
        facts = [f"{self.used_tokens():,} of {self._conversation.context:,} tokens"]
        if (rate := tokens_per_second(self._conversation.state)) is not None:
            facts.append(f"{rate:.0f} tokens/s")
        return [*facts, self._model.name, f"reasoning {self.settings.reasoning_effort}"]

    def head_start(self) -> AbstractContextManager[None]:
        """For while the user types: the model computes what the next prompt begins with."""
        return self._model.head_start(self.settings)

    def branches(self) -> list[str]:
        """The names of the session's branches."""
        return [] if self.info is None else [branch.name for branch in self._log.branches(self.info.id)]

    def _so_far(self) -> State:
        """What the session has come to; before anything was said, that is its settings."""
        return self.state or State(session="", name="", settings=self.settings, seq=0)

    def _equip(self, harmony: Harmony) -> None:
        """Make the tools that the settings name and that are not there yet."""
        missing = [spec.name for spec in self.settings.tools if spec.name not in self._tools]
        if missing:
            self._tools |= self._adapters.toolbox.make(
                missing,
                self._request.tool_options,
                self._opened,
                encode=harmony.encode,
                put_blob=self._log.put_blob,
                get_blob=self._log.get_blob,
                confirm=self._agrees if self._confirm is not None else None,
            )

    def _agrees(self, diff: str) -> bool:
        """Ask the user about a patch; whatever turns on the screen meanwhile stands still."""
        self._pause()
        return self._confirm is not None and self._confirm(diff)

    def _hold(self) -> None:
        """Be the one who writes to the branch, once there is one."""
        if self.info is not None and not self._held.has(self.info.branch):
            self.reopen_later()  # what somebody else may have written meanwhile must be read
            self._held.move(self.info.branch)

    def _recorded(self) -> Settings:
        if self.info is None:
            return initial_settings(self._adapters.config, date.today().isoformat(), self._adapters.toolbox.specs)
        return fold(self._log.read(self.info.branch)).settings

    def _seed(self) -> int:
        # Random seeds are short enough to be typed again.
        return secrets.randbits(32) if self._request.seed is None else self._request.seed
