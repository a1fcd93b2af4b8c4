"""Events as a log holds them, byte for byte: what an archive is written from and restored to.

An event that was read is not enough for that: of an old version it is a newer one already, of a redacted one nothing is
left, and its hash covers the very bytes that were written.
"""

from collections.abc import Sequence

from msgspec import Struct


class Record(Struct, frozen=True, kw_only=True):
    """A row of the log.

    `branch` is the id of its branch, `time` in microseconds since 1970-01-01 UTC, `messages` the running count of what
    was said on the branch, which the hash covers too. `payload` is JSON. Of one that was redacted, `digest` holds what
    it left behind, and `payload` what stands in for it, if anything. Token ids stand beside it as `ids`, or as the
    bytes `packed` where ids would not give those again.
    """

    branch: str
    seq: int
    kind: str
    version: int
    time: int
    messages: int
    hash: bytes
    payload: str | None
    ids: tuple[int, ...] | None = None
    packed: bytes | None = None
    digest: bytes | None = None


class SessionRecords(Struct, frozen=True, kw_only=True):
    """A whole session.

    `branch` is the id of its current branch. `records` come branch by branch, each branch in the order of seq and after
    the one that it was forked from. `blobs` are all that its events refer to.
    """

    id: str
    name: str
    branch: str
    records: Sequence[Record]
    blobs: Sequence[bytes] = ()
