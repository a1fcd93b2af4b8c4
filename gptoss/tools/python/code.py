"""The code within the argument of a call: bare, as it should be, or wrapped as models wrap it now and then."""

import json
import re

_FENCE = re.compile(r"\s*```[a-zA-Z0-9]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_KEYS = ("code", "input", "source", "script", "python")


def code_of(argument: str) -> str:
    """The code, empty if there is none."""
    text = _from_json(argument) if argument.lstrip().startswith("{") else argument
    fence = _FENCE.fullmatch(text)
    # Half a character, which JSON can spell, is nothing that a kernel could be sent.
    return (fence[1] if fence else text).encode("utf-8", "replace").decode()


def _from_json(argument: str) -> str:
    """The string of `{"code": "..."}`; a dictionary that holds anything else is code itself."""
    try:
        value = json.loads(argument, strict=False)
    except (ValueError, RecursionError):
        return argument
    if len(value) == 1:
        ((key, code),) = value.items()
        if key in _KEYS and isinstance(code, str):
            return code
    return argument
