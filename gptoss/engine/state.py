"""What a history folds to."""

from msgspec import Struct

from gptoss.engine.events import Artefact, GenerationFinished, GenerationStarted, ToolCalled
from gptoss.engine.message import Message
from gptoss.engine.sequence import AppendSequence
from gptoss.engine.settings import Settings


class Entry(Struct, frozen=True, kw_only=True, dict=True):
    """A message of the conversation and where it came from. What it renders to is remembered in its `__dict__`.

    `seq` is that of its MessageAppended; `turn` counts from 1 (0: before the user said anything). `tokens` are the
    sampled ids it was parsed from, None when it must be rendered from its text. `generation` is the seq of the
    GenerationStarted that wrote it.
    """

    seq: int
    turn: int
    message: Message
    tokens: tuple[int, ...] | None = None
    generation: int | None = None
    partial: bool = False


class Generation(Struct, frozen=True, kw_only=True):
    """One model call. `ids` are all its tokens, those of the generations that it continues included.

    `origin` is the seq of the first generation of that chain: the messages before it are the prompt. `inherited` counts
    the tokens that were there when this one began, `found` the messages and repairs recorded of those that it added.
    `settings` are the ones the chain began with.
    """

    seq: int
    origin: int
    inherited: int = 0
    found: int = 0
    started: GenerationStarted
    settings: Settings
    ids: AppendSequence[int] = AppendSequence()
    finished: GenerationFinished | None = None


class Call(Struct, frozen=True, kw_only=True):
    """A tool call whose result is still to come. `seq` is that of its ToolCalled."""

    seq: int
    called: ToolCalled


class State(Struct, frozen=True, kw_only=True):
    """The conversation after the event `seq`.

    `generation` is the newest one while it runs or can still be continued, `call` the tool call under way. `artefacts`
    are what tool calls kept, oldest first. Messages up to and including seq `trimmed` no longer go into the prompt, but
    for those of the system and the developer, whose places among `entries` are in `standing`.
    """

    session: str
    name: str
    settings: Settings
    seq: int
    turn: int = 0
    entries: AppendSequence[Entry] = AppendSequence()
    generation: Generation | None = None
    call: Call | None = None
    artefacts: AppendSequence[Artefact] = AppendSequence()
    trimmed: int = 0
    standing: tuple[int, ...] = ()

    @property
    def last(self) -> Entry | None:
        return self.entries[-1] if self.entries else None
