"""From the keys of events that may match to the hits that are shown."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from gptoss.engine.events import Event, GenerationStarted, MessageAppended
from gptoss.engine.searching import SearchHit, SearchRequest, said
from gptoss.storage.codec import decode
from gptoss.storage.statements import SEQ_MASK


class Found(NamedTuple):
    """An event that may be a hit: the names of its session and branch, the branch's id, its time and itself."""

    key: int
    session: str
    branch: str
    branch_name: str
    time: int
    event: Event


IsContinued = Callable[[int, int], bool]
"""(key, generation) -> whether, after that event, its branch goes on with the generation of that seq."""


def hits(
    found: Iterable[Found], request: SearchRequest, is_continued: IsContinued, matches: Callable[[str], bool]
) -> list[SearchHit]:
    """The first `request.limit` that somebody of the roles asked for said, and whose text matches."""
    return list(islice(_hits(found, request, is_continued, matches), request.limit))


def readable(kind: bytes, version: int, payload: bytes) -> Event | None:
    """The event of a row; None for a damaged one, which `verify` is there to find."""
    try:
        return decode(kind, version, payload, None)
    except (ValueError, TypeError, KeyError, msgspec.MsgspecError):
        return None


def continues(event: Event | None, generation: int) -> bool:
    return isinstance(event, GenerationStarted) and event.continues == generation


def _hits(
    found: Iterable[Found], request: SearchRequest, is_continued: IsContinued, matches: Callable[[str], bool]
) -> Iterator[SearchHit]:
    developers = set()
    for key, session, branch, branch_name, time, event in found:
        match said(event):
            case (role, text) if role in request.roles and matches(text):
                pass
            case _:
                continue
        if isinstance(event, MessageAppended) and event.partial and is_continued(key, event.generation or 0):
            continue
        if role == "developer":
            if (session, text) in developers:
                continue
            developers.add((session, text))
        yield SearchHit(
            session=session,
            branch=branch,
            branch_name=branch_name,
            seq=key & SEQ_MASK,
            time=time,
            role=role,
            text=text,
        )
