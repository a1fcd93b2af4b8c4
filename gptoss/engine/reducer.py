"""The pure fold from events to state.

`reduce(state, event)` is total over histories that this engine writes; a history that no engine could have written,
such as tokens without a generation, raises HistoryError and names the event.
"""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import (
    ContextTrimmed,
    Event,
    GenerationFinished,
    GenerationStarted,
    MessageAppended,
    ParseRecovered,
    SessionRenamed,
    SessionStarted,
    SettingsChanged,
    StoredEvent,
    TokensSampled,
    ToolCalled,
    ToolReturned,
)
from gptoss.engine.state import Call, Entry, Generation, State


def fold(events: Iterable[StoredEvent], state: State | None = None) -> State:
    """Fold events, the first of which is SessionStarted unless a state is given to go on from."""
    for event in events:
        state = reduce(state, event)
    if state is None:
        raise HistoryError("a history without events has no state")
    return state


def reduce(state: State | None, stored: StoredEvent) -> State:
    """The state after one more event."""
    event = stored.event
    if state is None:
        if not isinstance(event, SessionStarted):
            raise HistoryError(f"a history must begin with SessionStarted, not with {event.kind} (seq {stored.seq})")
        return State(session=event.session, name=event.name, settings=event.settings, seq=stored.seq)
    if stored.seq != state.seq + 1:
        raise HistoryError(f"event {stored.seq} follows event {state.seq}: some are missing")
    step = _STEPS.get(type(event))
    # Kinds without a step (BranchForked, HeadMoved, PayloadRedacted, unknown ones) say nothing that the
    # conversation depends on.
    return replace(state, seq=stored.seq) if step is None else step(state, stored.seq, event)


def _settings_changed(state: State, seq: int, event: SettingsChanged) -> State:
    return replace(state, seq=seq, settings=event.settings)


def _session_renamed(state: State, seq: int, event: SessionRenamed) -> State:
    return replace(state, seq=seq, name=event.name)


def _message_appended(state: State, seq: int, event: MessageAppended) -> State:
    turn, generation = state.turn, state.generation
    if event.message.role == "user":
        # The user goes on: what was cut off before stays cut off.
        turn, generation = turn + 1, None
    tokens = None
    if event.span is not None:
        if generation is None or generation.seq != event.generation:
            raise HistoryError(f"the message at seq {seq} cites tokens of a generation that is not the newest")
        tokens = generation.ids[event.span[0] : event.span[1]]
        if not tokens or len(tokens) != event.span[1] - event.span[0]:
            raise HistoryError(f"the message at seq {seq} cites tokens that were never sampled")
    if generation is not None and generation.seq == event.generation:
        generation = replace(generation, found=generation.found + 1)
    entry = Entry(
        seq=seq,
        turn=turn,
        message=event.message,
        tokens=tokens,
        generation=event.generation,
        partial=event.partial,
    )
    standing = state.standing
    if event.message.role in ("system", "developer"):
        standing = (*standing, len(state.entries))
    entries = state.entries.appended(entry)
    return replace(state, seq=seq, turn=turn, generation=generation, entries=entries, standing=standing)


def _generation_started(state: State, seq: int, event: GenerationStarted) -> State:
    earlier = state.generation
    if event.continues is None:
        generation = Generation(seq=seq, origin=seq, started=event, settings=state.settings)
        return replace(state, seq=seq, generation=generation)
    if earlier is None or earlier.seq != event.continues:
        raise HistoryError(f"the generation at seq {seq} continues one that is not the newest")
    generation = replace(earlier, seq=seq, inherited=len(earlier.ids), found=0, started=event, finished=None)
    entries = state.entries
    if entries and entries[-1].partial:
        # The continuation writes this message again, from its first token to its true end.
        entries = entries.first(len(entries) - 1)
    return replace(state, seq=seq, generation=generation, entries=entries)


def _tokens_sampled(state: State, seq: int, event: TokensSampled) -> State:
    generation = _running(state, seq, event)
    return replace(state, seq=seq, generation=replace(generation, ids=generation.ids.extended(event.ids)))


def _parse_recovered(state: State, seq: int, event: ParseRecovered) -> State:
    generation = state.generation
    if generation is not None and generation.seq == event.generation:
        generation = replace(generation, found=generation.found + 1)
    return replace(state, seq=seq, generation=generation)


def _generation_finished(state: State, seq: int, event: GenerationFinished) -> State:
    generation = _running(state, seq, event)
    return replace(state, seq=seq, generation=replace(generation, finished=event))


def _running(state: State, seq: int, event: Event) -> Generation:
    if state.generation is None or state.generation.finished is not None:
        raise HistoryError(f"{event.kind} at seq {seq} belongs to no running generation")
    return state.generation


def _tool_called(state: State, seq: int, event: ToolCalled) -> State:
    return replace(state, seq=seq, call=Call(seq=seq, called=event))


def _tool_returned(state: State, seq: int, event: ToolReturned) -> State:
    if state.call is None or state.call.seq != event.call:
        raise HistoryError(f"ToolReturned at seq {seq} answers no open tool call")
    return replace(state, seq=seq, call=None, artefacts=state.artefacts.extended(event.artefacts))


def _context_trimmed(state: State, seq: int, event: ContextTrimmed) -> State:
    return replace(state, seq=seq, trimmed=max(state.trimmed, event.through))


_STEPS: dict[type[Event], Callable[[State, int, Any], State]] = {
    SettingsChanged: _settings_changed,
    SessionRenamed: _session_renamed,
    MessageAppended: _message_appended,
    GenerationStarted: _generation_started,
    TokensSampled: _tokens_sampled,
    GenerationFinished: _generation_finished,
    ParseRecovered: _parse_recovered,
    ToolCalled: _tool_called,
    ToolReturned: _tool_returned,
    ContextTrimmed: _context_trimmed,
}
