"""What takes the place of something that was said and is to be forgotten.

A redacted event keeps its kind, its place and its time; its text becomes `[redacted]`, and so it goes into later
prompts. The tokens that the text was sampled as go too: each becomes a `*`, while what gives a message its form stays,
so that the messages beside it in the same batch are what they were. Copies of the text that the engine made by itself
(a partial message that was completed later, the same generation on a fork) go with it; where somebody repeated it in
other words, nobody can know.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from gptoss.engine.errors import UsageError
from gptoss.engine.events import (
    Event,
    GenerationStarted,
    MessageAppended,
    ParseRecovered,
    StoredEvent,
    TokensSampled,
    ToolReturned,
)
from gptoss.engine.tokens import FIRST_SPECIAL, MESSAGE

REDACTED = "[redacted]"
PLACEHOLDER = 9
"""The token "*"."""


class Redaction(Struct, frozen=True, kw_only=True):
    """What was removed: the seq and kind of each event on the branch, how many on others, how many stored files.

    `erased` is False when the bytes are still in the database's file, because another process kept it busy or there was
    no room to write it anew.
    """

    events: tuple[tuple[int, str], ...]
    elsewhere: int
    blobs: int
    erased: bool


def stand_in(event: Event) -> Event:
    """What is left of an event. UsageError for one that the history cannot do without."""
    match event:
        case MessageAppended():
            return replace(event, message=replace(event.message, content=REDACTED), span=None)
        case ToolReturned():
            return replace(event, artefacts=())
        case ParseRecovered():
            return replace(event, problem=REDACTED)
        case _:
            raise UsageError(
                f"a {event.kind} cannot be redacted, because what follows depends on it: redact a message, what a tool "
                "returned or sampled tokens, or delete the session"
            )


def plan(histories: Iterable[Iterable[StoredEvent]], position: int) -> dict[int, tuple[StoredEvent, Event]]:
    """The events to redact, by their position, and what takes their place.

    `histories` are all branches of a session, each from its first event; `position` is that of what is to be forgotten.
    """
    found = [list(_placed(history)) for history in histories]
    target = next(part for parts in found for part in parts if part.stored.position == position)
    if target.stored.redacted:
        raise UsageError(f"event {target.stored.seq} is redacted already")
    if not isinstance(target.stored.event, TokensSampled):
        stand_in(target.stored.event)  # or a UsageError
    hidden = _Hidden(found, target)
    changed: dict[int, tuple[StoredEvent, Event]] = {}
    for parts in found:
        for part in parts:
            event = part.stored.event
            if part.stored.redacted:
                continue
            if isinstance(event, TokensSampled):
                left: Event = hidden.without(part, event)
            elif part.stored.position == position or hidden.covers(part):
                left = stand_in(event)
            else:
                continue
            if left != event or part.stored.position == position:
                changed[part.stored.position] = (part.stored, left)
    return changed


class _Placed(Struct):
    """An event and where it stands.

    `chain` is the position of the first of the generations that continue each other, None outside of one; `first` and
    `last` are the tokens concerned, counted from that one's beginning (-1: not known). `content` says for each sampled
    token whether it is text. `call` is the position of the ToolReturned that a tool's message came with.
    """

    stored: StoredEvent
    chain: int | None = None
    first: int = -1
    last: int = -1
    content: tuple[bool, ...] = ()
    call: int | None = None


def _placed(history: Iterable[StoredEvent]) -> Iterator[_Placed]:
    chain: int | None = None
    call: int | None = None
    count, in_content = 0, False
    for stored in history:
        event = stored.event
        part = _Placed(stored)
        match event:
            case GenerationStarted():
                if event.continues is None or chain is None:
                    chain, count, in_content = stored.position, 0, False
            case TokensSampled():
                marks = []
                for token in event.ids:
                    in_content = token == MESSAGE or (in_content and token < FIRST_SPECIAL)
                    marks.append(in_content)
                part = _Placed(stored, chain, count, count + len(event.ids), tuple(marks))
                count += len(event.ids)
            case MessageAppended(generation=int()):
                part = _Placed(stored, chain, *(event.span or (-1, -1)))
            case ParseRecovered():
                part = _Placed(stored, chain, *event.span)
            case ToolReturned():
                call = stored.position
                part = _Placed(stored, call=call)
            case MessageAppended() if event.message.role == "tool":
                part = _Placed(stored, call=call)
        yield part


class _Hidden:
    """What has to go with the target: tokens of its generation, or all that its tool call kept."""

    def __init__(self, histories: list[list[_Placed]], target: _Placed) -> None:
        self._chain = target.chain
        self._call = target.call
        self._whole_call = isinstance(target.stored.event, ToolReturned)
        self._first, self._last = target.first, target.last
        mates = [part for parts in histories for part in parts if self._chain is not None and part.chain == self._chain]
        said = [part for part in mates if not isinstance(part.stored.event, TokensSampled)]
        # A repaired message does not know its tokens, so all of its generation goes.
        self._whole = any(part.first < 0 and not part.stored.redacted for part in said)
        grown = True
        while grown:
            spans = [(part.first, part.last) for part in said if self._overlaps(part)]
            first, last = min([self._first, *(a for a, _ in spans)]), max([self._last, *(b for _, b in spans)])
            grown = (first, last) != (self._first, self._last)
            self._first, self._last = first, last

    def covers(self, part: _Placed) -> bool:
        if self._chain is not None:
            return part.chain == self._chain and (self._whole or self._overlaps(part))
        if self._call is None or part.call != self._call:
            return False
        return self._whole_call or isinstance(part.stored.event, ToolReturned)

    def without(self, part: _Placed, event: TokensSampled) -> TokensSampled:
        if self._chain is None or part.chain != self._chain or not (self._whole or self._overlaps(part)):
            return event
        ids = tuple(
            PLACEHOLDER if token < FIRST_SPECIAL and (self._whole or (is_text and self._has(place))) else token
            for place, (token, is_text) in enumerate(zip(event.ids, part.content, strict=True), part.first)
        )
        return event if ids == event.ids else replace(event, ids=ids, logprobs=None)

    def _overlaps(self, part: _Placed) -> bool:
        return part.first < self._last and self._first < part.last

    def _has(self, place: int) -> bool:
        return self._first <= place < self._last
