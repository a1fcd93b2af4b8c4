"""The patch within the argument of a call.

The model writes the bare patch, or wraps it as it has seen it wrapped: in JSON, in a shell's here-document, in a fence.
"""

import json
import re
from collections.abc import Iterator

from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.errors import PatchError

BEGIN = "*** Begin Patch"
LONGEST = 2_000_000
"""Characters; no model writes as many, and a patch of this size is still handled in an instant."""

_OPENING = re.compile(r"""\s*(`{3,}.*|(apply_patch\b.*)?<<-?\s*(['"]?)\w+\3|apply_patch)?\s*""")
_BLANK = re.compile(r"\s*")
_CLOSING = re.compile(r"\s*(`{3,}|\w+)?\s*")
"""What may stand below a patch, if something stands above it."""


def patch_text(argument: str) -> str:
    """The lines from Begin Patch on, wrappings taken off. Raises PatchError where there is no patch."""
    if len(argument) > LONGEST:
        raise PatchError(texts.TOO_LARGE)
    if argument.lstrip()[:1] in ("{", "[", '"'):
        argument = _from_json(argument)
    lines = argument.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip() == BEGIN), None)
    if first is None or not all(_OPENING.fullmatch(line) for line in lines[:first]):
        raise PatchError(texts.NO_PATCH)
    last = len(lines)
    while first < last and (_CLOSING if first else _BLANK).fullmatch(lines[last - 1]):
        last -= 1
    # JSON can spell half a character; no file and no log can hold one.
    return "\n".join(lines[first:last]).encode("utf-8", "replace").decode()


def _from_json(argument: str) -> str:
    """The one string with a patch in it, at whatever depth of a JSON value and under whatever key."""
    try:
        # Models break lines inside JSON strings, which strict JSON forbids.
        value = json.loads(argument, strict=False)
        found = [text for text in _strings(value) if BEGIN in text]
    except (ValueError, RecursionError):
        raise PatchError(texts.BAD_JSON) from None
    if len(found) != 1:
        raise PatchError(texts.NO_PATCH if not found else texts.MANY_PATCHES)
    return found[0]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
