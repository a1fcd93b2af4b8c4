"""`gptoss export --format cast`: a session as an asciinema recording (version 2), with the timing it had.

The recording holds what the display would write on a terminal of a fixed size. See
https://docs.asciinema.org/manual/asciicast/v2/.
"""

import io
from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from gptoss.cli.display import Display
from gptoss.cli.output import Output
from gptoss.engine.events import MessageAppended, SessionStarted, StoredEvent
from gptoss.engine.parsing import MessageBegun, TextDelta, TokenBytes
from gptoss.transcripts.playback import Moment, playback
from gptoss.transcripts.redaction import Redactor

_to_json = msgspec.json.Encoder().encode

WIDTH, HEIGHT = 80, 24
LONGEST_PAUSE = 2.0
"""Seconds. A player shortens longer ones; the recording itself keeps the true time."""

FRAME = 1 / 30
"""Seconds. What comes within one is written together: nobody sees more, and a player has less to do."""


def cast(
    events: Iterable[StoredEvent], encoding: TokenBytes, *, reasoning: bool = True, redactor: Redactor | None = None
) -> Iterator[str]:
    """The lines of the recording; lazy. `redactor` has learnt from the session before."""
    screen = _Screen()
    display = Display(screen, screen)
    begun, at = False, 0.0
    for moment in _selected(events, encoding, reasoning, redactor):
        update = moment.update
        if not begun and isinstance(update, StoredEvent) and isinstance(update.event, SessionStarted):
            name = update.event.name if redactor is None else redactor.text(update.event.name)
            yield _header(name, update.time)
            begun = True
        display.show(update)
        # The time of an event and that of its tokens come from two clocks, which may differ by a millisecond.
        at = max(at, moment.at)
        if shown := screen.take():
            yield _line(at, shown)
    if begun:
        display.end()
        if shown := screen.take():
            yield _line(at, shown)


class _Screen(Output):
    """A terminal of a fixed size that only remembers what was written."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.is_terminal = self.is_coloured = True
        self._written: list[str] = []

    @property
    def width(self) -> int:
        return WIDTH

    def take(self) -> str:
        """What was written since the last time."""
        written = "".join(self._written)
        self._written.clear()
        return written.replace("\n", "\r\n")

    def _send(self, text: str) -> None:
        self._written.append(text)


def _header(name: str, time: int) -> str:
    header = {
        "version": 2,
        "width": WIDTH,
        "height": HEIGHT,
        "timestamp": time // 1_000_000,
        "idle_time_limit": LONGEST_PAUSE,
        "title": name,
        "env": {"TERM": "xterm-256color"},
    }
    return msgspec.json.encode(header).decode() + "\n"


def _line(at: float, text: str) -> str:
    return _to_json((round(at, 6), "o", text)).decode() + "\n"


def _selected(
    events: Iterable[StoredEvent], encoding: TokenBytes, reasoning: bool, redactor: Redactor | None
) -> Iterator[Moment]:
    moments: Iterable[Moment] = playback(events, encoding, frame=FRAME)
    if not reasoning:
        moments = _without_reasoning(moments)
    return iter(moments) if redactor is None else _redacted(moments, redactor)


def _without_reasoning(moments: Iterable[Moment]) -> Iterator[Moment]:
    hidden = False
    for moment in moments:
        update = moment.update
        if isinstance(update, MessageBegun):
            hidden = update.channel == "analysis" and update.recipient is None
        if isinstance(update, StoredEvent):
            if isinstance(update.event, MessageAppended):
                message = update.event.message
                if message.role == "assistant" and message.channel == "analysis" and message.recipient is None:
                    continue
            yield moment
        elif not hidden:
            yield moment


def _redacted(moments: Iterable[Moment], redactor: Redactor) -> Iterator[Moment]:
    """The pieces of a text are redacted as the whole that they are, events one by one."""
    pieces: list[Moment] = []
    for moment in moments:
        if isinstance(moment.update, TextDelta):
            pieces.append(moment)
            continue
        yield from _redacted_pieces(pieces, redactor)
        pieces.clear()
        update = moment.update
        if isinstance(update, StoredEvent):
            update = replace(update, event=redactor.value(update.event, type(update.event)))
        yield moment._replace(update=update)
    yield from _redacted_pieces(pieces, redactor)


def _redacted_pieces(pieces: list[Moment], redactor: Redactor) -> Iterator[Moment]:
    texts = redactor.pieces([piece.update.text for piece in pieces if isinstance(piece.update, TextDelta)])
    for piece, text in zip(pieces, texts, strict=True):
        yield piece._replace(update=TextDelta(text))
