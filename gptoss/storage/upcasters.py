"""Old payloads, read as new ones.

An event kind whose payload changes in a way that a default cannot bridge raises its `VERSION` and registers here how a
payload of the version before becomes one of the next. Rows are never rewritten: they are lifted whenever they are read.
"""

from collections.abc import Callable
from typing import Any

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]

UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""(kind, version) -> the function that makes a payload of version + 1. The token ids of a row, where it has some, are
the payload's "ids"."""


def lift(kind: str, version: int, target: int, payload: Payload) -> Payload | None:
    """The payload as of version `target`; None when a step on the way is not registered."""
    for step in range(version, target):
        upcaster = UPCASTERS.get((kind, step))
        if upcaster is None:
            return None
        payload = upcaster(payload)
    return payload
