"""What events change in the list of sessions.

A log keeps a session's name and current branch and a branch's beginning beside the events, in the same transaction, so
that listing sessions folds nothing; each event's row says how many messages its branch holds up to there. All of it can
be computed again from the events. A session shows the sum of its branches' messages, and the beginning of the oldest
branch that has one.
"""

from collections.abc import Iterable

from msgspec import Struct

from gptoss.engine.events import (
    BranchForked,
    Event,
    GenerationFinished,
    HeadMoved,
    MessageAppended,
    SessionRenamed,
    SessionStarted,
    ToolReturned,
)

PREVIEW_LENGTH = 100
FEW = 4
"""The user's first message is looked for among a branch's first few."""

ROOT_BRANCH = "main"


class Changes(Struct):
    """What some events of one branch change: None, False and nothing mean no change.

    `current` says that their branch becomes the session's current one. `blobs` are the digests that they refer to.
    """

    name: str | None = None
    current: bool = False
    preview: str = ""
    blobs: tuple[str, ...] = ()


_NOTABLE = frozenset({SessionStarted, SessionRenamed, BranchForked, HeadMoved, ToolReturned, GenerationFinished})
_NOTABLE_EARLY = _NOTABLE | {MessageAppended}


def is_notable(events: Iterable[Event], messages: int) -> bool:
    """Whether these events, on a branch that holds `messages` so far, may change the list, as few do.

    The end of a generation changes nothing in the list, but is a moment for a log to bring its books up to date.
    """
    return not (_NOTABLE if messages >= FEW else _NOTABLE_EARLY).isdisjoint(map(type, events))


def changes(events: Iterable[Event], messages: int) -> Changes:
    """What all of them change together, in order."""
    found = Changes()
    for event in events:
        if isinstance(event, MessageAppended):
            if messages < FEW and not found.preview and event.message.role == "user":
                found.preview = preview(event.message.content)
            messages += is_said(event)
        elif isinstance(event, SessionRenamed):
            found.name = event.name
        elif isinstance(event, SessionStarted):
            found.name, found.current = event.name, True
        elif isinstance(event, HeadMoved):
            found.current = True
        elif isinstance(event, ToolReturned):
            found.blobs += tuple(artefact.digest for artefact in event.artefacts)
    return found


def preview(text: str) -> str:
    """The beginning of a text, on one line. A NUL is left out: not every database can store it."""
    return " ".join(text[: 4 * PREVIEW_LENGTH].replace("\x00", "").split())[:PREVIEW_LENGTH]


def is_said(event: Event) -> bool:
    """Whether the event is a message between the user and the model, reasoning and tool traffic left out.

    A message that was cut off counts once a continuation has completed it.
    """
    if type(event) is not MessageAppended or event.partial:
        return False
    message = event.message
    if message.role == "assistant":
        return message.channel != "analysis" and not message.is_tool_call
    return message.role == "user"
