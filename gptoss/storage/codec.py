"""Events as what a row holds: JSON text, and token ids as bytes beside it.

The JSON leaves out what equals a default. People read it (the database opens in any SQLite browser), so only the token
ids, which are most of a log's bytes, are packed. A kind or version that this release does not know becomes an
UnknownEvent, which encodes to the very bytes it came from.
"""

import math
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import KINDS, Event, TokensSampled, UnknownEvent
from gptoss.storage.upcasters import lift
from gptoss.storage.varint import decode_ids, encode_ids

Decode = Callable[[bytes], Event]


class _Batch(Struct, frozen=True, omit_defaults=True):
    """TokensSampled without its ids. JSON has no NaN: what is not finite is stored as null, and read as NaN."""

    elapsed_ms: int = 0
    logprobs: tuple[float | None, ...] | None = None


_to_json = msgspec.json.Encoder().encode
_to_batch = msgspec.json.Decoder(_Batch).decode
_from_json: dict[tuple[bytes, int], Decode] = {
    (kind.encode(), cls.VERSION): msgspec.json.Decoder(cls).decode
    for kind, cls in KINDS.items()
    if cls is not TokensSampled
}
_KINDS = {cls: (kind.encode(), cls.VERSION) for kind, cls in KINDS.items()}
_TOKENS = _KINDS[TokensSampled]


def encode(event: Event) -> tuple[bytes, int, bytes, bytes | None]:
    """The kind, version, payload and packed token ids of an event. HistoryError for what cannot be stored."""
    try:
        if isinstance(event, TokensSampled):
            return *_TOKENS, _to_json(_Batch(event.elapsed_ms, event.logprobs)), encode_ids(event.ids)
        if isinstance(event, UnknownEvent):
            return event.name.encode(), event.schema_version, event.payload.encode(), event.tokens
        return *_KINDS[type(event)], _to_json(event), None
    except (ValueError, OverflowError, TypeError, msgspec.MsgspecError) as error:
        raise HistoryError(f"this {event.kind} cannot be stored: {error}") from error


def decode(kind: bytes, version: int, payload: bytes, tokens: bytes | None) -> Event:
    """The inverse of `encode`. ValueError for a payload that is not one of its kind and version."""
    known = _from_json.get((kind, version))
    if known is not None:
        return known(payload)
    if (kind, version) == _TOKENS and tokens is not None:
        batch = _to_batch(payload)
        logprobs = None if batch.logprobs is None else _finite(batch.logprobs)
        return TokensSampled(ids=decode_ids(tokens), elapsed_ms=batch.elapsed_ms, logprobs=logprobs)
    name = kind.decode()
    return _lifted(name, version, payload, tokens) or UnknownEvent(
        name=name, schema_version=version, payload=payload.decode(), tokens=tokens
    )


def _finite(logprobs: tuple[float | None, ...]) -> tuple[float, ...]:
    return tuple(math.nan if logprob is None else logprob for logprob in logprobs)


def _lifted(kind: str, version: int, payload: bytes, tokens: bytes | None) -> Event | None:
    cls = KINDS.get(kind)
    if cls is None or version >= cls.VERSION:
        return None
    fields: dict[str, Any] = msgspec.json.decode(payload)
    if tokens is not None:
        fields["ids"] = decode_ids(tokens)
    lifted = lift(kind, version, cls.VERSION, fields)
    return None if lifted is None else msgspec.convert(lifted, cls)
