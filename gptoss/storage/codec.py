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


class _Batch(Struct, frozen=True, omit_defaults=True):
    """TokensSampled without its ids. JSON has no NaN: what is not finite is stored as null, and read as NaN."""

    elapsed_ms: int = 0
    logprobs: tuple[float | None, ...] | None = None


_to_json = msgspec.json.Encoder().encode
_to_batch = msgspec.json.Decoder(_Batch).decode
_names = {cls: kind.encode() for kind, cls in KINDS.items()}
_known = {kind.encode(): (cls, msgspec.json.Decoder(cls).decode) for kind, cls in KINDS.items()}


def encode(event: Event) -> tuple[bytes, int, bytes, bytes | None]:
    """The kind, version, payload and packed token ids of an event. HistoryError for what cannot be stored."""
    try:
        if isinstance(event, TokensSampled):
            batch = _Batch(event.elapsed_ms, event.logprobs)
            return _names[TokensSampled], event.VERSION, _to_json(batch), encode_ids(event.ids)
        if isinstance(event, UnknownEvent):
            return event.name.encode(), event.schema_version, event.payload.encode(), event.tokens
        return _names[type(event)], event.VERSION, _to_json(event), None
    except (ValueError, OverflowError, TypeError, msgspec.MsgspecError) as error:
        raise HistoryError(f"this {event.kind} cannot be stored: {error}") from error


def decode(kind: bytes, version: int, payload: bytes, tokens: bytes | None) -> Event:
    """The inverse of `encode`. ValueError for a payload that is not one of its kind and version."""
    known = _known.get(kind)
    if known is None:
        return _unknown(kind, version, payload, tokens)
    cls, from_json = known
    if version != cls.VERSION:
        return _lifted(cls, version, payload, tokens) or _unknown(kind, version, payload, tokens)
    if cls is not TokensSampled:
        return from_json(payload)
    return _sampled(payload, tokens or b"")


def _sampled(payload: bytes, tokens: bytes) -> TokensSampled:
    batch = _to_batch(payload)
    logprobs = None if batch.logprobs is None else _finite(batch.logprobs)
    return TokensSampled(ids=decode_ids(tokens), elapsed_ms=batch.elapsed_ms, logprobs=logprobs)


def _sampled_of(content: bytes) -> TokensSampled:
    payload, _, tokens = content.partition(b"\x00")
    return _sampled(payload, tokens)


readers: dict[str, Callable[[bytes], Event]] = {
    kind.decode(): _sampled_of if cls is TokensSampled else from_json for kind, (cls, from_json) in _known.items()
}
"""kind -> what decodes the content of an event of its newest version: what the chain hashes, see `chain.digest_of`."""


def _unknown(kind: bytes, version: int, payload: bytes, tokens: bytes | None) -> UnknownEvent:
    return UnknownEvent(name=kind.decode(), schema_version=version, payload=payload.decode(), tokens=tokens)


def _finite(logprobs: tuple[float | None, ...]) -> tuple[float, ...]:
    return tuple(math.nan if logprob is None else logprob for logprob in logprobs)


def _lifted(cls: type[Event], version: int, payload: bytes, tokens: bytes | None) -> Event | None:
    """An event of an older version; None for a newer one, or where no upcaster leads from it."""
    if version > cls.VERSION:
        return None
    fields: dict[str, Any] = msgspec.json.decode(payload)
    if tokens is not None:
        fields["ids"] = decode_ids(tokens)
    lifted = lift(cls.__name__, version, cls.VERSION, fields)
    return None if lifted is None else msgspec.convert(lifted, cls)
