"""What is known of a prompt before the user has said what it is for."""

from itertools import chain, takewhile

from gptoss.engine.events import Event, MessageAppended, StoredEvent
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.reducer import reduce
from gptoss.engine.rendering import render_prompt
from gptoss.engine.state import State
from gptoss.engine.trimming import trim


def with_message(state: State, event: MessageAppended, harmony: Harmony, context: int) -> State:
    """The state as it would be with this message of the user, earlier turns having made room if they have to."""
    imagined = _after(state, event)
    cut = trim(imagined, render_prompt(imagined, harmony), context)
    return imagined if cut is None else _after(imagined, cut)


def next_prefix(state: State, harmony: Harmony, context: int) -> tuple[int, ...]:
    """The tokens that the next turn's prompt begins with, whatever the user will say; a long message may cut turns.

    It is not the last prompt with the last answer behind it: reasoning is dropped as soon as the next turn begins.
    """
    imagined = with_message(state, MessageAppended(message=Message(role="user", content="")), harmony, context)
    known = takewhile(lambda segment: segment.seq != state.seq + 1, render_prompt(imagined, harmony).segments)
    return tuple(chain.from_iterable(segment.ids for segment in known))


def _after(state: State, event: Event) -> State:
    """The state as it would be with this event appended."""
    imagined = StoredEvent(branch="", seq=state.seq + 1, position=0, time=0, event=event)
    return reduce(state, imagined)
