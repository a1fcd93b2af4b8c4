"""Answering recorded turns anew, on a branch of their own.

The user says what was said then, each generation gets the seed that it had, and a tool gives the result that it gave:
nothing is run twice. What comes out otherwise does so because of the model, the backend or the code that changed.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from gptoss.engine.conversation import Conversation, next_step
from gptoss.engine.events import GenerationStarted, MessageAppended, SettingsChanged, StoredEvent
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import Cancelled, EventLog, TokenGenerator
from gptoss.engine.rerunning import recorded_tools
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.updates import Update


class _Turn(Struct, kw_only=True):
    text: str
    settings: Settings | None
    samplings: list[Sampling]


def answer_anew(
    log: EventLog,
    branch: str,
    history: Sequence[StoredEvent],
    *,
    harmony: Harmony,
    generator: TokenGenerator,
    cancelled: Cancelled = lambda: False,
) -> Iterator[Update]:
    """Repeat the turns of `history` at the end of a branch; stops early when one is cut off."""
    tools = recorded_tools(history)
    for turn in _turns(history):
        seeds = iter([sampling.seed for sampling in turn.samplings])
        conversation = Conversation(
            log,
            branch,
            harmony=harmony,
            generator=generator,
            seed=lambda: next(seeds, 0),  # noqa: B023  used up within the turn
            sampling=turn.samplings[0] if turn.samplings else None,
            tools=tools,
            cancelled=cancelled,
        )
        try:
            if turn.settings is not None:
                conversation.change_settings(turn.settings)
            yield from conversation.say(turn.text)
            if next_step(conversation.state) is not None:
                return
        finally:
            conversation.close()


def _turns(history: Iterable[StoredEvent]) -> list[_Turn]:
    turns: list[_Turn] = []
    settings: Settings | None = None
    for stored in history:
        event = stored.event
        if isinstance(event, SettingsChanged):
            settings = event.settings
        elif isinstance(event, MessageAppended) and event.message.role == "user":
            turns.append(_Turn(text=event.message.content, settings=settings, samplings=[]))
            settings = None
        elif isinstance(event, GenerationStarted) and event.continues is None and turns:
            turns[-1].samplings.append(event.sampling)
    return turns
