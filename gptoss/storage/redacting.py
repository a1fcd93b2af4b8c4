"""Which branch says what was redacted."""

from collections.abc import Mapping, Sequence

from gptoss.engine.events import Event, PayloadRedacted, StoredEvent
from gptoss.engine.redaction import Redaction

Changes = Mapping[int, tuple[StoredEvent, Event]]
"""By position: an event, and what is left of it. See `gptoss.engine.redaction.plan`."""


def told(changes: Changes, branch: str, path: Sequence[StoredEvent], reason: str) -> dict[str, list[Event]]:
    """The events that record a redaction, by the branch to append them to: this one for whatever lies on its path."""
    positions = {stored.position for stored in path}
    by_branch: dict[str, list[Event]] = {}
    for position, (stored, _) in sorted(changes.items()):
        holder = branch if position in positions else stored.branch
        by_branch.setdefault(holder, []).append(PayloadRedacted(seq=stored.seq, reason=reason))
    return by_branch


def summary(changes: Changes, path: Sequence[StoredEvent], blobs: int, *, erased: bool) -> Redaction:
    """`path` is that of the branch that was asked for."""
    positions = {stored.position for stored in path}
    here = sorted((stored.seq, stored.event.kind) for at, (stored, _) in changes.items() if at in positions)
    return Redaction(events=tuple(here), elsewhere=len(changes) - len(here), blobs=blobs, erased=erased)
