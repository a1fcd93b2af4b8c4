"""`gptoss replay --step`: a session shown again key by key, forward and back."""

import os
import select
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from gptoss.cli.display import Display
from gptoss.cli.kept import Kept
from gptoss.cli.output import Output
from gptoss.engine.errors import UsageError
from gptoss.engine.events import GenerationFinished, MessageAppended, StoredEvent
from gptoss.transcripts.playback import Moment

Stride = Literal["event", "message", "generation", "turn"]

_STRIDES: dict[str, Stride] = {"e": "event", "m": "message", "g": "generation", "t": "turn"}
_FORWARD = ("right", "down", " ", "enter", "c-m", "c-j", "n")
_BACK = ("left", "up", "b", "backspace", "c-h")
_LEAVE = ("q", "c-c", "c-d", "escape")

SHOWN_TURNS = 2
"""Turns that are shown again after a step back; what came before them is further up."""


class Stepper:
    """A position among moments, which moves by strides.

    The position is the number of moments shown. `stops` are the positions that each stride stops at: behind each event,
    each complete message, each generation, and before each message of the user.
    """

    def __init__(self, moments: Sequence[Moment]) -> None:
        self.moments = moments
        self.stride: Stride = "message"
        self.position = 0
        self.stops: dict[Stride, list[int]] = {"event": [], "message": [], "generation": [], "turn": []}
        for index, moment in enumerate(moments):
            event = moment.update.event if isinstance(moment.update, StoredEvent) else None
            if index + 1 == len(moments) or moments[index + 1].seq != moment.seq:
                self.stops["event"].append(index + 1)
            if isinstance(event, MessageAppended):
                self.stops["message"].append(index + 1)
                if event.message.role == "user" and index:
                    self.stops["turn"].append(index)
            elif isinstance(event, GenerationFinished):
                self.stops["generation"].append(index + 1)
        for stops in self.stops.values():
            if moments and (not stops or stops[-1] != len(moments)):
                stops.append(len(moments))

    def forward(self) -> Sequence[Moment]:
        """The moments of the next stride; none at the end."""
        stops = self.stops[self.stride]
        after = bisect_right(stops, self.position)
        begun, self.position = self.position, stops[after] if after < len(stops) else self.position
        return self.moments[begun : self.position]

    def back(self) -> Sequence[Moment]:
        """What is to be shown anew, one stride earlier: the last turns up to there."""
        stops = self.stops[self.stride]
        before = bisect_left(stops, self.position) - 1
        self.position = stops[before] if before >= 0 else 0
        turns = self.stops["turn"]
        first = bisect_left(turns, self.position) - SHOWN_TURNS
        return self.moments[turns[first] if first >= 0 else 0 : self.position]

    @property
    def seq(self) -> int:
        return self.moments[self.position - 1].seq if self.position else 0


def step_through(moments: Sequence[Moment], out: Output, kept: Kept | None = None) -> None:
    """Show moments as keys ask for them, until the user leaves. UsageError without a terminal."""
    if not out.is_terminal or not os.isatty(0):
        raise UsageError("--step needs a terminal to read keys from: without one, use --until")
    stepper = Stepper(moments)
    display = Display(out, out, kept=kept)
    last = moments[-1].seq if moments else 0
    for key in _keys(lambda: out.below(status(stepper, last, out.width - 1))):
        out.below("")
        if key in _LEAVE:
            break
        if key in _STRIDES:
            stepper.stride = _STRIDES[key]
        if key in _BACK:
            out.clear()
            display = Display(out, out, kept=kept)
            shown = stepper.back()
        else:
            shown = stepper.forward() if key in _FORWARD or key in _STRIDES else ()
        for moment in shown:
            display.show(moment.update)
    display.end()


def status(stepper: Stepper, last: int, room: int) -> str:
    """Where one is and which keys there are, as far as `room` columns allow: how to leave goes last."""
    place, stride = f"event {stepper.seq} of {last} · ", f"by {stepper.stride} · "
    forms = (
        f"{place}{stride}→ next  ← back  e event  m message  g generation  t turn  q leave",
        f"{place}{stride}→ next  ← back  e/m/g/t stride  q leave",
        f"{place}{stride}→ next  ← back  q leave",
        f"{place}→ next  ← back  q leave",
        f"{place}q leave",
    )
    return next((form for form in forms if len(form) <= room), "q leave")


def _keys(ready: Callable[[], None]) -> Iterator[str]:
    """Keys as they are pressed; `ready` is called before each is waited for."""
    from prompt_toolkit.input import create_input

    terminal = create_input()
    with terminal.raw_mode():
        while True:
            ready()
            select.select([terminal.fileno()], [], [])
            for press in terminal.read_keys() or terminal.flush_keys():
                key = press.key
                yield key if isinstance(key, str) and len(key) == 1 else getattr(key, "value", str(key))
