"""From a conversation to the tokens that a model is prompted with.

Rendering is not the inverse of parsing: the library would put a header's parts in another order than the model did and
tokenise its text anew. So a prompt is the concatenation of one *segment* per message: for a sampled message the very
ids that were sampled, for any other the library's rendering. A model then sees what it wrote, and its cached keys stay
valid.

Reasoning (the analysis channel) of every turn before the current one is left out, tool calls and results on that
channel included, unless the settings keep it; the current turn keeps its own, because its tool calls happen inside the
chain of thought.
"""

from hashlib import blake2b
from itertools import chain
from struct import pack
from typing import Literal

from msgspec import Struct

from gptoss.engine.harmony import Harmony
from gptoss.engine.settings import Settings
from gptoss.engine.state import Entry, Generation, State
from gptoss.engine.tokens import ASSISTANT_TURN, CALL, END, RETURN, START

RENDERING = "harmony-1"
"""Names these rules in the log. It changes whenever the same state would give another prompt."""


def rendering_rules(settings: Settings) -> str:
    """The rules that make prompts under these settings, as GenerationStarted records them."""
    return RENDERING + ("+reasoning" if settings.keep_reasoning else "")


class Segment(Struct, frozen=True, kw_only=True, gc=False):
    """Some tokens of a prompt and their origin: `seq` of the message, None for the header and the model's cue."""

    seq: int | None
    ids: tuple[int, ...]
    source: Literal["system", "developer", "rendered", "sampled", "cue"]


class Dropped(Struct, frozen=True, kw_only=True, gc=False):
    """A message that is not in the prompt, and why."""

    seq: int
    reason: Literal["reasoning of an earlier turn", "trimmed"]


class Prompt(Struct, frozen=True, kw_only=True):
    """What a model sees: `ids`, the `segments` that they come from, and the messages left out."""

    ids: tuple[int, ...]
    segments: tuple[Segment, ...]
    dropped: tuple[Dropped, ...] = ()


def prompt_hash(ids: tuple[int, ...]) -> str:
    """BLAKE2b-128, hex, of the ids as little-endian 32-bit integers."""
    return blake2b(pack(f"<{len(ids)}I", *ids), digest_size=16).hexdigest()


def render_prompt(state: State, harmony: Harmony) -> Prompt:
    """The prompt for a new generation."""
    return _prompt(
        state, harmony, state.settings, list(state.entries), [Segment(seq=None, ids=ASSISTANT_TURN, source="cue")]
    )


def render_continuation(state: State, generation: Generation, harmony: Harmony) -> Prompt:
    """The prompt that goes on after the last token of a generation that was cut off."""
    before = [entry for entry in state.entries if entry.seq < generation.origin]
    tail = [Segment(seq=None, ids=ASSISTANT_TURN, source="cue")]
    if generation.ids:
        tail.append(Segment(seq=generation.seq, ids=generation.ids[:], source="sampled"))
    return _prompt(state, harmony, generation.settings, before, tail)


def _prompt(state: State, harmony: Harmony, settings: Settings, entries: list[Entry], tail: list[Segment]) -> Prompt:
    segments = [Segment(seq=None, ids=harmony.render_system(settings), source="system")]
    if developer := harmony.render_developer(settings):
        segments.append(Segment(seq=None, ids=developer, source="developer"))
    dropped: list[Dropped] = []
    # Whoever looks at a whole history renders every prompt of it: this loop and the `chain` below are what that takes.
    trimmed, turn = state.trimmed, state.turn
    for entry in entries:
        message = entry.message
        if entry.seq <= trimmed and message.role not in ("system", "developer"):
            dropped.append(Dropped(seq=entry.seq, reason="trimmed"))
        elif message.channel == "analysis" and entry.turn < turn and not settings.keep_reasoning:
            dropped.append(Dropped(seq=entry.seq, reason="reasoning of an earlier turn"))
        else:
            segments.append(_segment(entry, harmony))
    segments += tail
    ids = tuple(chain.from_iterable(segment.ids for segment in segments))
    return Prompt(ids=ids, segments=tuple(segments), dropped=tuple(dropped))


def _segment(entry: Entry, harmony: Harmony) -> Segment:
    if entry.tokens is None:
        return Segment(seq=entry.seq, ids=harmony.render(entry.message), source="rendered")
    ids = entry.tokens if entry.tokens[0] == START else ASSISTANT_TURN + entry.tokens
    if ids[-1] in (END, RETURN, CALL):
        ids = ids[:-1]
    # `<|return|>` only ever ends a generation; in a history the message ends like any other.
    return Segment(seq=entry.seq, ids=(*ids, CALL if entry.message.is_tool_call else END), source="sampled")
