"""A recorded branch as the updates that its viewer saw, each with its moment.

The text of an answer is spelt again from the recorded tokens by the parser that the live turn used, so a replay shows
what was seen, to the token; no model is needed.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from gptoss.engine.events import GenerationFinished, GenerationStarted, StoredEvent, TokensSampled
from gptoss.engine.parsing import MessageBegun, Parser, ParseUpdate, TextDelta, TokenBytes
from gptoss.engine.recovery import reopen_parser
from gptoss.engine.reducer import reduce
from gptoss.engine.state import State
from gptoss.engine.updates import Sampled, Update

_SHOWN = (MessageBegun, TextDelta)


class Moment(NamedTuple):
    """An update, when it was due in seconds since the first event, and the seq of the event that it comes from."""

    at: float
    update: Update
    seq: int


def playback(
    events: Iterable[StoredEvent], encoding: TokenBytes, *, tokens: bool = False, frame: float = 0
) -> Iterator[Moment]:
    """The moments of a branch, from its first event on, in order; lazy. Raises HistoryError for an impossible history.

    With `tokens`, each sampled token is among them, before what it spells.
    Tokens were recorded in batches; those of a batch are spread evenly over the time that it took. The ones that then
    fall within a `frame` (in seconds) come at its end; those of a batch that takes no longer than that, all together.
    """
    state: State | None = None
    parser: Parser | None = None
    first = begun = 0.0
    elapsed_ms = 0
    for stored in events:
        event = stored.event
        time = stored.time / 1e6
        said: list[ParseUpdate] = []
        if isinstance(event, GenerationStarted):
            parser, begun, elapsed_ms = Parser(encoding), time, 0
            if event.continues is not None and state is not None and state.generation is not None:
                parser, said = reopen_parser(state, state.generation, encoding)
        state = reduce(state, stored)
        if stored.seq == 1:
            first = time
        if isinstance(event, TokensSampled) and parser is not None:
            pieces = _pieces(event.ids, (event.elapsed_ms - elapsed_ms) / 1000, frame)
            count = 0
            for ids in pieces:
                count += len(ids)
                share = (event.elapsed_ms - elapsed_ms) * count / len(event.ids)
                at = begun + (elapsed_ms + share) / 1000 - first
                if tokens:
                    yield Moment(at, Sampled(ids), stored.seq)
                for shown in parser.feed(ids):
                    if isinstance(shown, _SHOWN):
                        yield Moment(at, shown, stored.seq)
            elapsed_ms = event.elapsed_ms
            continue
        yield Moment(time - first, stored, stored.seq)
        for shown in said:
            if isinstance(shown, _SHOWN):
                yield Moment(time - first, shown, stored.seq)
        if isinstance(event, GenerationFinished):
            parser = None


def _pieces(ids: tuple[int, ...], took: float, frame: float) -> list[tuple[int, ...]]:
    """Tokens that took so many seconds, as many at a time as come within a frame, one at least."""
    size = max(1, int(len(ids) * frame / took)) if took > frame else len(ids) if frame else 1
    return [ids[begin : begin + size] for begin in range(0, len(ids), size)]
