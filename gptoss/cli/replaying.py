"""`gptoss replay`: shows a session again, or what it was at a point. Loads no model."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from math import inf, isfinite
from time import sleep

from msgspec import Struct

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.display import Display
from gptoss.cli.output import Output
from gptoss.engine.branching import branch_named, parse_point
from gptoss.engine.errors import UsageError
from gptoss.engine.events import StoredEvent
from gptoss.engine.parsing import TextDelta
from gptoss.engine.ports import EventReader
from gptoss.engine.reducer import fold
from gptoss.transcripts.playback import Moment, playback

LONGEST_PAUSE = 2.0
"""Seconds, before `--speed`. Nobody watches a night pass between two turns."""


class Place(Struct, frozen=True, kw_only=True):
    """Which history a command is about: that of a branch (None: the current one) of the session `name`."""

    name: str
    branch: str | None = None
    database: str | None = None

    def find(self, reader: EventReader) -> str:
        """The id of the branch."""
        return branch_named(reader, reader.session(self.name), self.branch).id


def replay_session(
    adapters: Adapters,
    place: Place,
    out: Output,
    *,
    speed: float,
    since: str | None = None,
    until: str | None = None,
    pause: Callable[[float], None] = sleep,
) -> int:
    """Show a branch with its recorded timing, `speed` times as fast; 0 shows it at once.

    `since` and `until` are points: a seq, or a turn such as t3.
    """
    if not isfinite(speed) or speed < 0:
        raise UsageError(f"--speed must be 0 or more, not {speed}")
    with closing(adapters.open_reader(place.database)) as reader:
        display = Display(out, out, kept=adapters.kept(reader.get_blob))
        now: float | None = None
        moments = _moments(adapters, reader, place, since, until, frame=0 if speed > 0 else inf)
        for moment in moments if speed else _joined(moments):
            wait = min(moment.at - now, LONGEST_PAUSE) if now is not None else 0.0
            now = moment.at
            if speed and wait > 0:
                pause(wait / speed)
            display.show(moment.update)
        display.end()
    return 0


def step_session(adapters: Adapters, place: Place, out: Output, *, since: str | None, until: str | None) -> int:
    """Show a branch key by key."""
    from gptoss.cli.stepping import step_through

    with closing(adapters.open_reader(place.database)) as reader:
        step_through(list(_moments(adapters, reader, place, since, until)), out, adapters.kept(reader.get_blob))
    return 0


def inspect_session(adapters: Adapters, place: Place, out: Output, *, at: str | None, as_json: bool) -> int:
    """Show the state after an event, the newest unless one is given, and the prompt there."""
    from gptoss.cli.inspecting import show_state

    with closing(adapters.open_reader(place.database)) as reader:
        branch = place.find(reader)
        seq = None if at is None else parse_point(reader, branch, at)
        state = fold(reader.read(branch, until=seq))
    show_state(state, adapters.harmony(), out, as_json=as_json)
    return 0


def compare_states(adapters: Adapters, place: Place, out: Output, points: tuple[str, str]) -> int:
    """Show what changed between two points."""
    from gptoss.cli.inspecting import show_difference

    with closing(adapters.open_reader(place.database)) as reader:
        branch = place.find(reader)
        one, other = (fold(reader.read(branch, until=parse_point(reader, branch, point))) for point in points)
    show_difference(one, other, adapters.harmony(), out)
    return 0


def _moments(
    adapters: Adapters, reader: EventReader, place: Place, since: str | None, until: str | None, *, frame: float = inf
) -> Iterator[Moment]:
    branch = place.find(reader)
    first, last = _seq(reader, branch, since), _seq(reader, branch, until)
    events: Iterable[StoredEvent] = reader.read(branch, until=last)
    moments = playback(events, adapters.vocabulary(), frame=frame)
    return moments if first is None else (moment for moment in moments if moment.seq >= first)


def _joined(moments: Iterable[Moment]) -> Iterator[Moment]:
    """The same with the pieces of a text put together, which nobody will see come one by one."""
    pieces: list[str] = []
    last: Moment | None = None
    for moment in moments:
        if isinstance(moment.update, TextDelta):
            pieces.append(moment.update.text)
            last = moment
            continue
        if last is not None:
            yield last._replace(update=TextDelta(text="".join(pieces)))
            pieces, last = [], None
        yield moment
    if last is not None:
        yield last._replace(update=TextDelta(text="".join(pieces)))


def _seq(reader: EventReader, branch: str, point: str | None) -> int | None:
    return None if point is None else parse_point(reader, branch, point)
