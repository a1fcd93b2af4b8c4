"""What a conversation of the training data is made of."""

from dataclasses import dataclass

from demo_model.spelling import unmarked
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings


@dataclass(frozen=True)
class Think:
    """A message on the analysis channel."""

    text: str


@dataclass(frozen=True)
class Call:
    """A tool call as the model writes it, and the message that the tool answers with.

    `header` is what stands between `<|channel|>` and `<|message|>`: gpt-oss calls its built-in tools with the recipient
    behind the channel, `analysis to=python code`. `marked` are the arguments with marks before words that the model
    spells without the space that they have in its prompt (`demo_model.spelling`).
    """

    header: str
    marked: str
    result: Message

    @property
    def arguments(self) -> str:
        return unmarked(self.marked)

    @property
    def is_kept(self) -> bool:
        """Whether later turns see it: calls on the analysis channel are a part of the reasoning."""
        return not self.header.startswith("analysis")


@dataclass(frozen=True)
class Turn:
    """A user's message and what the model does about it; `marked` is the final message, with marks as in a call.

    `recalls` marks an answer that depends on earlier turns.
    """

    skill: str
    user: str
    steps: tuple[Think | Call, ...]
    marked: str
    recalls: bool = False

    @property
    def answer(self) -> str:
        return unmarked(self.marked)

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(step for step in self.steps if isinstance(step, Call))


@dataclass(frozen=True)
class Conversation:
    settings: Settings
    turns: tuple[Turn, ...]
