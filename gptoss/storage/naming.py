"""Ids, which nobody types, and names, which people choose."""

import os
import re
from collections.abc import Container

from gptoss.engine.errors import UsageError
from gptoss.storage.chain import blake2b

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MAX_NAME = 200


def new_id() -> str:
    """64 random bits, as 16 hexadecimal digits."""
    return os.urandom(8).hex()


def blob_id(data: bytes) -> str:
    """BLAKE2b-256 of a blob, as 64 hexadecimal digits."""
    return blake2b(data, digest_size=32).hexdigest()


def checked_name(name: str) -> str:
    """The name itself; UsageError when a terminal could not show it on a line."""
    if not name.strip():
        raise UsageError("a name needs at least one visible character")
    if len(name) > MAX_NAME:
        raise UsageError(f"a name has at most {MAX_NAME} characters, this one has {len(name)}: choose a shorter one")
    if _UNPRINTABLE.search(name):
        raise UsageError(f"the name {name!r} holds characters that cannot be shown: choose one without them")
    return name


def free_name(taken: Container[str], first: int) -> str:
    """A branch name nobody uses yet: "branch-2", or the next free number."""
    number = first
    while (name := f"branch-{number}") in taken:
        number += 1
    return name
