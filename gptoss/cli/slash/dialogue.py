"""What the commands of a chat work with: its session, its screen, and what else there is."""

from collections.abc import Callable, Iterator

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.conversing import Chat
from gptoss.cli.display import Display
from gptoss.cli.names import quoted
from gptoss.cli.output import Output
from gptoss.engine.errors import UsageError
from gptoss.engine.state import State
from gptoss.engine.updates import Update

Watch = Callable[[Iterator[Update]], None]
"""Shows a turn as it happens."""


class Leave(Exception):
    """The user wants to leave."""


class Dialogue:
    """One chat at a terminal.

    `database` is where its session is, None for our own. `watch` shows the turns that commands begin; `raw` says
    whether raw mode is on, and switches it first.
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
        self.chat = chat
        self.adapters = adapters
        self.database = database
        self.display = display
        self.out = out
        self.watch = watch
        self.raw = raw

    def say(self, text: str) -> None:
        """Send a message and show the turn that it begins."""
        self.watch(self.chat.conversation().say(text))

    def existing(self) -> State:
        """What the session has come to. UsageError when nothing was said yet."""
        state = self.chat.state
        if state is None:
            raise UsageError("nothing has been said yet")
        return state

    def last_message(self) -> str:
        """What the user said last. UsageError when that was nothing."""
        for entry in reversed(self.existing().entries[:]):
            if entry.message.role == "user":
                return str(entry.message.content)
        raise UsageError("nothing has been said yet")

    def came_from(self, branch: str) -> str:
        """The name of the branch that a fork began on."""
        info = self.chat.log.branch(branch)
        return quoted(self.chat.log.branch(info.parent).name) if info.parent else "main"

    def show_tools(self) -> None:
        """Which tools the session has and where they work: a patch may be applied without asking."""
        if facts := self.chat.tool_options.facts([tool.name for tool in self.chat.settings.tools]):
            self.out.sentence(" · ".join(facts), "bold")

    def show_last_turn(self) -> None:
        state = self.existing()
        for entry in state.entries:
            if entry.turn == state.turn and entry.message.channel != "analysis":
                self.display.message(entry.message, partial=entry.partial)
