"""Every prompt and answer of a branch, to the token: what the model was given and what it sampled.

`gptoss export --format harmony` writes it as JSON Lines, one generation a line:

    {"seq": 4, "turn": 1, "backend": ..., "model": ..., "sampling": {...},
     "prompt": {"tokens": 71, "hash": ..., "rules": ...,
                "segments": [{"source": "system", "ids": [...], "text": "..."}, ...],
                "dropped": [{"first": 3, "last": 3, "messages": 1, "reason": "reasoning of an earlier turn"}]},
     "answer": {"ids": [...], "text": "...", "reason": "stop"}}

The ids are the truth. The texts name special tokens, and show bytes that are no character as U+FFFD.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gptoss.engine.events import StoredEvent
from gptoss.engine.generations import RecordedGeneration, recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.prefix import common_prefix
from gptoss.engine.rendering import Segment
from gptoss.engine.tokens import FIRST_SPECIAL
from gptoss.transcripts.redaction import Redactor

REMOVED = -1
"""Stands for the id of a token of which something was redacted."""


def harmony_lines(events: Iterable[StoredEvent], harmony: Harmony, redactor: Redactor | None = None) -> Iterator[str]:
    """A line for each generation of a branch; lazy. Raises HistoryError as `recorded_generations` does.

    `redactor` has learnt from the session before.
    """
    # A prompt begins with what the one before it began with, mostly: the same segments, and so the same JSON.
    before: tuple[Segment, ...] = ()
    written: list[msgspec.Raw] = []
    for generation in recorded_generations(events, harmony):
        segments = generation.prompt.segments
        kept = common_prefix(before, segments)
        written[kept:] = [_segment(segment, harmony, redactor) for segment in segments[kept:]]
        before = segments
        yield msgspec.json.encode(_generation(generation, written, harmony, redactor)).decode() + "\n"


def redacted_tokens(ids: Sequence[int], harmony: Harmony, redactor: Redactor) -> list[tuple[int, str]]:
    """The tokens with their texts. One that was touched is REMOVED, with what of its text may stay."""
    pieces = [token_text(token, harmony) for token in ids]
    return [
        (token, after) if before == after else (REMOVED, after)
        for token, before, after in zip(ids, pieces, redactor.pieces(pieces), strict=True)
    ]


def token_text(token: int, harmony: Harmony) -> str:
    """The text of one token; one that holds a part of a character has a U+FFFD for each of its bytes."""
    if token >= FIRST_SPECIAL:
        return harmony.decode((token,))
    data = harmony.token_bytes(token)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def _generation(
    generation: RecordedGeneration, segments: list[msgspec.Raw], harmony: Harmony, redactor: Redactor | None
) -> dict[str, Any]:
    started, finished, prompt = generation.started, generation.finished, generation.prompt
    about: dict[str, Any] = {
        "seq": generation.seq,
        "turn": generation.turn,
        "backend": started.backend,
        "model": started.model,
        "sampling": started.sampling,
        "prompt": {
            "tokens": sum(len(segment.ids) for segment in prompt.segments),
            "hash": started.prompt_hash,
            "rules": started.rendering,
            "segments": segments,
            "dropped": prompt.dropped,
        },
        "answer": _tokens(generation.ids, harmony, redactor) | {"reason": finished.reason if finished else None},
    }
    if started.continues is not None:
        about["continues"] = started.continues
    if generation.logprobs is not None:
        about["answer"]["logprobs"] = generation.logprobs
    return about


def _segment(segment: Segment, harmony: Harmony, redactor: Redactor | None) -> msgspec.Raw:
    whose = {} if segment.seq is None else {"seq": segment.seq}
    about = {"source": segment.source} | whose | _tokens(segment.ids, harmony, redactor)
    return msgspec.Raw(msgspec.json.encode(about))


def _tokens(ids: tuple[int, ...], harmony: Harmony, redactor: Redactor | None) -> dict[str, Any]:
    if redactor is None:
        return {"ids": ids, "text": harmony.decode(ids)}
    tokens = redacted_tokens(ids, harmony, redactor)
    if all(token != REMOVED for token, _ in tokens):
        return {"ids": ids, "text": harmony.decode(ids)}
    return {"ids": [token for token, _ in tokens], "text": "".join(text for _, text in tokens)}
