"""Token ids as bytes: little-endian base 128, seven bits a byte, the high bit set on all but an id's last byte.

The bytes of a token never change and a conversation repeats its tokens, so both directions remember what they have
seen: one dictionary lookup a token instead of a loop over its bits. The tables hold at most a vocabulary.
"""

import re
from collections.abc import Iterable

_ONE_ID = re.compile(rb"[\x80-\xff]*[\x00-\x7f]", re.DOTALL)


class _Bytes(dict[int, bytes]):
    def __missing__(self, number: int) -> bytes:
        if number < 0:
            raise ValueError(f"{number} is no token id")
        encoded, rest = bytearray(), number
        while rest > 0x7F:
            encoded.append(rest & 0x7F | 0x80)
            rest >>= 7
        encoded.append(rest)
        self[number] = bytes(encoded)
        return self[number]


class _Ids(dict[bytes, int]):
    def __missing__(self, encoded: bytes) -> int:
        number = 0
        for byte in reversed(encoded):
            number = number << 7 | byte & 0x7F
        self[encoded] = number
        return number


_bytes_of = _Bytes()
_id_of = _Ids()


def encode_ids(ids: Iterable[int]) -> bytes:
    """ValueError for a negative id."""
    return b"".join(map(_bytes_of.__getitem__, ids))


def decode_ids(data: bytes) -> tuple[int, ...]:
    """The inverse. ValueError when the last id is cut short."""
    if data and data[-1] > 0x7F:
        raise ValueError("the last token id is cut short")
    return tuple(map(_id_of.__getitem__, _ONE_ID.findall(data)))
