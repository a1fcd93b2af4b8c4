"""Showing a turn as it happens, and how fast it was."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Protocol, cast

from gptoss.engine.events import Event, MessageAppended, StoredEvent
from gptoss.engine.state import State
from gptoss.engine.updates import Update


class Screen(Protocol):
    """Where a turn is shown: a `Display`, or another form of the same."""

    def show(self, update: Update) -> None: ...

    def end(self) -> None: ...

    def pause(self) -> None: ...


def watch(updates: Iterator[Update], display: Screen, *, own: bool = False) -> None:
    """Show a turn as it happens; the user's own message, which is on the screen already, only if `own` says so.

    Whatever ends it early (an error, Ctrl-C twice, a closed pipe) interrupts the turn, and what was said is kept.
    """
    try:
        with closing(cast("Generator[Update]", updates)):
            for update in updates:
                if own or not (isinstance(update, StoredEvent) and _is_from_the_user(update.event)):
                    display.show(update)
        display.end()
    finally:
        display.pause()


def tokens_per_second(state: State) -> float | None:
    """How fast the last generation wrote, once it had begun to."""
    generation = state.generation
    finished = generation.finished if generation is not None else None
    if generation is None or finished is None or finished.elapsed_ms is None or finished.first_token_ms is None:
        return None
    tokens, milliseconds = len(generation.ids) - generation.inherited - 1, finished.elapsed_ms - finished.first_token_ms
    return tokens * 1000 / milliseconds if tokens > 0 and milliseconds > 0 else None


def _is_from_the_user(event: Event) -> bool:
    return isinstance(event, MessageAppended) and event.message.role == "user"
