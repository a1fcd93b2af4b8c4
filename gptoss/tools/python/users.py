"""Whom code becomes that root lets run: a user of the session's own, who owns nothing but the session's folder."""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

NOBODY = 65534
_FIRST, _COUNT = 1_900_000_000, 100_000_000
"""A range that no system gives to anybody."""


def user_for(folder: Path) -> int:
    """The user id (and group id) for a session's folder: always the same, and hardly ever another session's.

    Limits on processes count per user, so two sessions as one user would take each other's. Where root itself is
    confined to fewer ids, all are nobody.
    """
    if not _is_there(_FIRST + _COUNT):
        return NOBODY
    digest = blake2b(str(folder).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return _FIRST + int.from_bytes(digest) % _COUNT


def give_away(folder: Path, uid: int) -> None:
    """Make a user the owner of a folder and of all in it, unless they are already."""
    if folder.stat().st_uid == uid:
        return
    os.chown(folder, uid, uid)
    for path in folder.rglob("*"):
        with suppress(OSError):
            os.chown(path, uid, uid, follow_symlinks=False)


def _is_there(uid: int) -> bool:
    """Whether this system, which may be a container, knows the id."""
    try:
        ranges = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return True
    return any(int(first) <= uid < int(first) + int(count) for first, _, count in ranges)
