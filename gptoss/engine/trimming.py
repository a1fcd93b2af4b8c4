"""What leaves the prompt when a conversation outgrows the context: whole turns, the oldest first.

The current turn always stays, and so do the system and developer messages. Several turns are cut at a time, not one at
every turn, so that most prompts extend the one before, whose cached keys can be reused.
"""

from gptoss.engine.events import ContextTrimmed
from gptoss.engine.rendering import Prompt
from gptoss.engine.state import State

LEAST_ROOM = 1024
"""Tokens: with less room for an answer than this, or than an eighth of the context, the oldest turns go."""


def trim(state: State, prompt: Prompt, context: int) -> ContextTrimmed | None:
    """The cut that gives this prompt room for an answer, a quarter of the context if there is that much to cut.

    None when there is room enough, nothing that could go, or the settings want all of it to stay.
    """
    if state.settings.context_policy != "trim":
        return None
    if context - len(prompt.ids) >= min(LEAST_ROOM, context // 8):
        return None
    turns = _turns(state, min((segment.seq for segment in prompt.segments if segment.seq is not None), default=0))
    sizes: dict[int, int] = {}
    ends: dict[int, int] = {}
    for segment in prompt.segments:
        turn = turns.get(segment.seq or 0, 0)
        if segment.seq is not None and 0 < turn < state.turn:
            sizes[turn] = sizes.get(turn, 0) + len(segment.ids)
            ends[turn] = segment.seq
    dropped = through = 0
    for turn in sorted(sizes):
        if context - len(prompt.ids) + dropped >= context // 4:
            break
        dropped += sizes[turn]
        through = ends[turn]
    return ContextTrimmed(through=through, dropped_tokens=dropped) if dropped else None


def _turns(state: State, first: int) -> dict[int, int]:
    """The turns of the entries from event `first` on, by the entries' events: a prompt has few of many messages."""
    turns: dict[int, int] = {}
    for entry in reversed(state.entries):
        if entry.seq < first:
            break
        turns[entry.seq] = entry.turn
    return turns
