"""From a conversation to the tokens that a model is prompted with.

Rendering is not the inverse of parsing: the library would put a header's parts in another order than the model did and
tokenise its text anew. So a prompt is the concatenation of one *segment* per message: for a sampled message the very
ids that were sampled, for any other the library's rendering. A model then sees what it wrote, and its cached keys stay
valid.

Reasoning (the analysis channel) of every turn before the current one is left out, tool calls and results on that
channel included, unless the settings keep it; the current turn keeps its own, because its tool calls happen inside the
chain of thought.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import cached_property
from hashlib import blake2b
from itertools import chain, groupby
from struct import pack
from typing import Literal, NamedTuple

from msgspec import Struct

from gptoss.engine.harmony import Harmony
from gptoss.engine.sequence import AppendSequence
from gptoss.engine.settings import Settings
from gptoss.engine.state import Entry, Generation, State
from gptoss.engine.tokens import ASSISTANT_TURN, CALL, END, RETURN, START

RENDERING = "harmony-1"
"""Names these rules in the log. It changes whenever the same state would give another prompt."""


def rendering_rules(settings: Settings) -> str:
    """The rules that make prompts under these settings, as GenerationStarted records them."""
    return RENDERING + ("+reasoning" if settings.keep_reasoning else "")


class Segment(Struct, frozen=True, kw_only=True, gc=False):
    """Some tokens of a prompt and their origin: `seq` of the message, None for the header and the model's cue.

    `packed` are the ids as they go into a prompt's hash.
    """

    seq: int | None
    ids: tuple[int, ...]
    source: Literal["system", "developer", "rendered", "sampled", "cue"]
    packed: bytes


class Dropped(Struct, frozen=True, kw_only=True, gc=False):
    """Messages in a row that are not in the prompt: the seqs of the first and the last, how many, and why."""

    first: int
    last: int
    messages: int = 1
    reason: Literal["reasoning of an earlier turn", "trimmed"]


class Prompt(Struct, frozen=True, kw_only=True, dict=True):
    """What a model sees: the `segments` that it is made of, and the messages left out, oldest first."""

    segments: tuple[Segment, ...]
    dropped: tuple[Dropped, ...] = ()

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The tokens."""
        return tuple(chain.from_iterable(segment.ids for segment in self.segments))

    @cached_property
    def hash(self) -> str:
        """The `prompt_hash` of the tokens, without putting them together."""
        return _hash(b"".join([segment.packed for segment in self.segments]))

    def reason(self, seq: int) -> str | None:
        """Why a message is left out; None for one that is not."""
        at = bisect_right(self.dropped, seq, key=lambda run: run.first) - 1
        return self.dropped[at].reason if at >= 0 and seq <= self.dropped[at].last else None


def prompt_hash(ids: tuple[int, ...]) -> str:
    """BLAKE2b-128, hex, of the ids as little-endian 32-bit integers."""
    return _hash(_packed(ids))


def _hash(packed: bytes) -> str:
    return blake2b(packed, digest_size=16).hexdigest()


def _packed(ids: tuple[int, ...]) -> bytes:
    return pack(f"<{len(ids)}I", *ids)


def render_prompt(state: State, harmony: Harmony) -> Prompt:
    """The prompt for a new generation."""
    return _prompt(state, harmony, state.settings, len(state.entries), [_CUE])


def render_continuation(state: State, generation: Generation, harmony: Harmony) -> Prompt:
    """The prompt that goes on after the last token of a generation that was cut off."""
    before = bisect_left(state.entries, generation.origin, key=_seq)
    tail = [_CUE]
    if generation.ids:
        tail.append(_made(generation.seq, generation.ids[:], "sampled"))
    return _prompt(state, harmony, generation.settings, before, tail)


def _prompt(state: State, harmony: Harmony, settings: Settings, before: int, tail: list[Segment]) -> Prompt:
    """The prompt of the first `before` messages."""
    header = [_made(None, harmony.render_system(settings), "system")]
    if developer := harmony.render_developer(settings):
        header.append(_made(None, developer, "developer"))
    trimmed = min(bisect_right(state.entries, state.trimmed, key=_seq), before)
    begin = max(trimmed, min(bisect_left(state.entries, state.turn, key=_turn), before))
    past = _past(state, harmony, trimmed, begin, keeps=settings.keep_reasoning)
    current = [_segment(entry, harmony) for entry in state.entries[begin:before]]
    return Prompt(segments=(*header, *past.segments[:], *current, *tail), dropped=past.dropped[:])


class _Past(NamedTuple):
    """What the messages before a turn are in its prompts.

    Remembered with the first message of the turn and made from that of the turn before: whoever looks at a whole
    history renders every prompt of it, and pays for what is new in each. It depends on nothing but the messages before,
    what of them was `trimmed` (their number), and whether the settings keep reasoning.
    """

    trimmed: int
    keeps: bool
    segments: AppendSequence[Segment]
    dropped: AppendSequence[Dropped]


def _past(state: State, harmony: Harmony, trimmed: int, before: int, *, keeps: bool) -> _Past:
    """Of the first `before` messages, after which a turn begins."""
    entries, at = state.entries, before
    past = _known_past(entries, at, trimmed, keeps=keeps)
    if past is None and at > trimmed:
        at = max(trimmed, bisect_left(entries, entries[at - 1].turn, key=_turn))
        past = _known_past(entries, at, trimmed, keeps=keeps)
    if past is None:
        past, at = _Past(trimmed, keeps, *_standing(state, harmony, trimmed)), trimmed
    if at < before:
        segments, dropped = _turns_over(entries[at:before], harmony, keeps=keeps)
        past = _Past(trimmed, keeps, past.segments.extended(segments), past.dropped.extended(dropped))
        if before < len(entries):
            entries[before].__dict__["past"] = past
    return past


def _known_past(entries: AppendSequence[Entry], before: int, trimmed: int, *, keeps: bool) -> _Past | None:
    known: _Past | None = entries[before].__dict__.get("past") if before < len(entries) else None
    return known if known is not None and (known.trimmed, known.keeps) == (trimmed, keeps) else None


def _standing(state: State, harmony: Harmony, trimmed: int) -> tuple[AppendSequence[Segment], AppendSequence[Dropped]]:
    """What is left of the messages that trimming has reached: those of the system and the developer."""
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    begin = 0
    for at in (*(at for at in state.standing if at < trimmed), trimmed):
        if begin < at:
            first, last = state.entries[begin].seq, state.entries[at - 1].seq
            dropped.append(Dropped(first=first, last=last, messages=at - begin, reason="trimmed"))
        if at < trimmed:
            segments.append(_segment(state.entries[at], harmony))
        begin = at + 1
    return AppendSequence(segments), AppendSequence(dropped)


def _turns_over(entries: Iterable[Entry], harmony: Harmony, *, keeps: bool) -> tuple[list[Segment], list[Dropped]]:
    """What the messages of turns that are over are in a prompt, and their reasoning that is not."""
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    for is_thought, group in groupby(entries, lambda entry: entry.message.channel == "analysis" and not keeps):
        if is_thought:
            dropped.append(_thought([entry.seq for entry in group]))
        else:
            segments += [_segment(entry, harmony) for entry in group]
    return segments, dropped


def _thought(seqs: list[int]) -> Dropped:
    return Dropped(first=seqs[0], last=seqs[-1], messages=len(seqs), reason="reasoning of an earlier turn")


def _seq(entry: Entry) -> int:
    return entry.seq


def _turn(entry: Entry) -> int:
    return entry.turn


def _segment(entry: Entry, harmony: Harmony) -> Segment:
    """What a message is in a prompt; remembered with the message, which stands in every later prompt too."""
    if (known := entry.__dict__.get("segment")) is not None:
        segment: Segment = known
        return segment
    if entry.tokens is None:
        segment = _made(entry.seq, harmony.render(entry.message), "rendered")
    else:
        segment = _made(entry.seq, _closed(entry.tokens, is_call=entry.message.is_tool_call), "sampled")
    entry.__dict__["segment"] = segment
    return segment


def _closed(tokens: tuple[int, ...], *, is_call: bool) -> tuple[int, ...]:
    ids = tokens if tokens[0] == START else ASSISTANT_TURN + tokens
    if ids[-1] in (END, RETURN, CALL):
        ids = ids[:-1]
    # `<|return|>` only ever ends a generation; in a history the message ends like any other.
    return (*ids, CALL if is_call else END)


def _made(
    seq: int | None, ids: tuple[int, ...], source: Literal["system", "developer", "rendered", "sampled", "cue"]
) -> Segment:
    return Segment(seq=seq, ids=ids, source=source, packed=_packed(ids))


_CUE = _made(None, ASSISTANT_TURN, "cue")
