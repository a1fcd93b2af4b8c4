"""The code that ran on a branch so far, as its artefacts tell.

Each call keeps its code as an artefact. What the artefacts of a branch list is what a kernel must have run to have the
variables that the model believes in; so a restart, a fork and an undo are noticed by comparing two lists.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from gptoss.engine.events import Artefact

MEDIA_TYPE = "text/x-python"
SUCCEEDED = "cell.py"
FAILED = "failed-cell.py"


class Cell(Struct, frozen=True):
    """Code that ran, by the digest under which it is kept."""

    digest: str
    succeeded: bool


def cells_of(artefacts: Iterable[Artefact]) -> list[Cell]:
    """The cells among the artefacts, in order."""
    return [
        Cell(artefact.digest, artefact.name == SUCCEEDED)
        for artefact in artefacts
        if artefact.media_type == MEDIA_TYPE and artefact.name in (SUCCEEDED, FAILED)
    ]


def keep_cell(code: str, succeeded: bool, put_blob: Callable[[bytes], str]) -> Artefact:
    data = code.encode()
    name = SUCCEEDED if succeeded else FAILED
    return Artefact(digest=put_blob(data), name=name, media_type=MEDIA_TYPE, size=len(data))
