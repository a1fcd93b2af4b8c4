"""The hash chain that makes an altered, missing or reordered row show.

    digest = H(payload, tokens)
    hash   = H(hash of the event before, digest, header)    header = seq, time, version, messages, kind, branch

The digest is hashed again instead of the payload itself, so that a payload can be removed for good and leave its digest
behind: the chain still verifies. What takes its place has a digest of its own beside that one. The first event of a
fork follows its parent's event at the fork.

H is BLAKE2b cut to 128 bits. Nobody can find a second payload for a given hash (2^128 tries); longer hashes would only
help against somebody who prepares two payloads with one hash, and whoever can write to the file can compute the whole
chain anew anyway. A row of token ids costs about 70 bytes besides the ids; another 16 would be a lot.
"""

from struct import Struct

try:
    # The same function: `hashlib` takes it from here, but loads OpenSSL first, which listing sessions would wait for.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

__all__ = [
    "HASH_SIZE",
    "ROOT",
    "blake2b",
    "digest_of",
    "fill_header",
    "header_of",
    "link",
    "link_redacted",
    "tombstone",
]

HASH_SIZE = 16
ROOT = bytes(HASH_SIZE)
"""Stands for the hash before a root's first event."""

_VARYING = ">16s16sqqII"
"""What differs from event to event comes first. Of a 16-byte value it takes what is longer, too, and cuts it."""

_pack_header = Struct(f"{_VARYING}H").pack
fill_header = Struct(_VARYING).pack_into


def header_of(kind: bytes, branch: bytes) -> bytearray:
    """What is hashed for an event, with room for what `fill_header` writes into it: one serves all events of a kind.

    struct.error or TypeError when that cannot be a kind.
    """
    return bytearray(_pack_header(ROOT, ROOT, 0, 0, 0, 0, len(kind)) + kind + branch)


def digest_of(payload: bytes, tokens: bytes | None) -> bytes:
    """What a payload leaves behind when it is removed, 16 bytes. JSON holds no NUL, so one tells where tokens begin."""
    return blake2b(payload if tokens is None else b"%b\x00%b" % (payload, tokens)).digest()[:HASH_SIZE]


def link(
    previous: bytes,
    branch: bytes,
    seq: int,
    kind: bytes,
    version: int,
    time: int,
    messages: int,
    payload: bytes,
    tokens: bytes | None,
) -> bytes:
    """The hash of an event, 16 bytes.

    `branch` is the id of its branch, `time` in microseconds since 1970, `messages` the running count of its row.
    struct.error or TypeError when a damaged row holds values of other types.
    """
    # digest_of, written out, which saves a call.
    digest = blake2b(payload if tokens is None else b"%b\x00%b" % (payload, tokens)).digest()
    header = _pack_header(previous, digest, seq, time, version, messages, len(kind))
    return blake2b(header + kind + branch).digest()[:HASH_SIZE]


def link_redacted(
    previous: bytes,
    branch: bytes,
    seq: int,
    kind: bytes,
    version: int,
    time: int,
    messages: int,
    payload: bytes | None,
    tokens: bytes | None,
    redacted: bytes,
) -> bytes:
    """The same hash, for a payload of which only the digest is left: see `tombstone`. `payload` is the stand-in."""
    if tombstone(redacted[:HASH_SIZE], payload, tokens) != redacted:
        raise TypeError("what stands in for a payload is not what was put there")
    header = _pack_header(previous, redacted[:HASH_SIZE], seq, time, version, messages, len(kind))
    return blake2b(header + kind + branch).digest()[:HASH_SIZE]


def tombstone(digest: bytes, payload: bytes | None, tokens: bytes | None) -> bytes:
    """What a row keeps of a payload that was removed: its digest and that of what stands in for it, if anything."""
    if payload is None:
        if tokens is not None or len(digest) != HASH_SIZE:
            raise TypeError("a tombstone holds a digest and nothing else")
        return digest
    return digest + digest_of(payload, tokens)
