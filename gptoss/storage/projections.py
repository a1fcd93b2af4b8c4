"""What events change in the list of sessions.

A log keeps a session's name and current branch, and each branch's number of messages and beginning, beside the events
and in the same transaction, so that listing sessions folds nothing. All of it can be computed again from the events. A
session shows the sum of its branches' messages, and the beginning of the oldest branch that has one.
"""

from collections.abc import Iterable

from msgspec import Struct

from gptoss.engine.events import Event, HeadMoved, MessageAppended, SessionRenamed, SessionStarted, ToolReturned
from gptoss.engine.message import Message

PREVIEW_LENGTH = 100
ROOT_BRANCH = "main"


class Changes(Struct):
    """What some events of one branch change: None and 0 mean nothing.

    `current` says that their branch becomes the session's current one. `blobs` are the digests that they refer to.
    """

    name: str | None = None
    current: bool = False
    messages: int = 0
    preview: str = ""
    blobs: tuple[str, ...] = ()


def changes(events: Iterable[Event]) -> Changes | None:
    """Together, in order; None when the list of sessions stays as it is, as it does for most events."""
    found: Changes | None = None
    for event in events:
        cls = type(event)
        if cls not in _RELEVANT:
            continue
        found = found or Changes()
        if isinstance(event, MessageAppended):
            found.messages += _counts(event)
            if event.message.role == "user" and not found.preview:
                found.preview = preview(event.message.content)
        elif isinstance(event, SessionRenamed):
            found.name = event.name
        elif isinstance(event, SessionStarted):
            found.name, found.current = event.name, True
        elif isinstance(event, HeadMoved):
            found.current = True
        elif isinstance(event, ToolReturned):
            found.blobs += tuple(artefact.digest for artefact in event.artefacts)
    return found


_RELEVANT = frozenset({MessageAppended, SessionRenamed, SessionStarted, HeadMoved, ToolReturned})


def preview(text: str) -> str:
    """The beginning of a text, on one line."""
    return " ".join(text[: 4 * PREVIEW_LENGTH].split())[:PREVIEW_LENGTH]


def _counts(event: MessageAppended) -> bool:
    """A message that was cut off counts once a continuation has completed it."""
    return not event.partial and _is_said(event.message)


def _is_said(message: Message) -> bool:
    if message.role == "user":
        return True
    return message.role == "assistant" and message.channel != "analysis" and not message.is_tool_call
