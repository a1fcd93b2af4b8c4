"""What a conversation of the training data is made of."""

from dataclasses import dataclass

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
    behind the channel, `analysis to=python code`.
    """

    header: str
    arguments: str
    result: Message


@dataclass(frozen=True)
class Turn:
    """A user's message and what the model does about it; `answer` is the final message.

    `recalls` marks an answer that depends on earlier turns.
    """

    skill: str
    user: str
    steps: tuple[Think | Call, ...]
    answer: str
    recalls: bool = False


@dataclass(frozen=True)
class Conversation:
    settings: Settings
    turns: tuple[Turn, ...]
