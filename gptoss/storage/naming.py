"""Ids, which nobody types, and names, which people choose."""

import os
import re
from collections.abc import Container

from gptoss.engine.errors import UsageError

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MAX_NAME = 200


def new_id() -> str:
    """64 random bits, as 16 hexadecimal digits."""
    return os.urandom(8).hex()


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
