"""What a call may say, and what is wrong with one that says something else."""

import json
from typing import Any

from msgspec import Struct

from gptoss.tools.browser.provider import BrowserError
from gptoss.tools.browser.text import one_line, visible

MOST_HITS = 20


class Search(Struct, frozen=True, kw_only=True):
    query: str
    topn: int = 10


class Open(Struct, frozen=True, kw_only=True):
    """`id` is a link's number, or a URL; -1 stands for what is not given."""

    id: int | str = -1
    cursor: int = -1
    loc: int = -1
    num_lines: int = -1
    view_source: bool = False


class Find(Struct, frozen=True, kw_only=True):
    pattern: str
    cursor: int = -1


Call = Search | Open | Find

_CALLS: dict[str, type[Call]] = {"search": Search, "open": Open, "find": Find}

# The names and types of the tool's text. `source` chooses among a provider's corpora; ours have one each.
_ARGUMENTS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "search": {"query": str, "topn": int, "source": str},
    "open": {"id": (int, str), "cursor": int, "loc": int, "num_lines": int, "view_source": bool, "source": str},
    "find": {"pattern": str, "cursor": int},
}
_EXAMPLES = {"search": '{"query": "gpt-oss"}', "open": '{"id": 0}', "find": '{"pattern": "gpt-oss"}'}
_KINDS = {str: "a string", int: "an integer", bool: "a boolean", float: "a number", list: "a list", dict: "an object"}


def function_of(recipient: str) -> str:
    """The function that a recipient names, a stray prefix or word left aside. Raises BrowserError."""
    name = (recipient.split() or [""])[0].removeprefix("functions.").removeprefix("browser").removeprefix(".")
    if name not in _ARGUMENTS:
        raise BrowserError(
            f"there is no function browser.{one_line(name, 40)}. "
            "The functions are browser.search, browser.open and browser.find."
            if name
            else "the recipient names no function. The functions are browser.search, browser.open and browser.find."
        )
    return name


def parse(function: str, content: str) -> Call:
    """The call that `content`, a JSON object, makes of `function`. Raises BrowserError."""
    values = _values(function, content)
    values.pop("source", None)
    return _CALLS[function](**values)


def _values(function: str, content: str) -> dict[str, Any]:
    """The arguments by name, each of its type; null counts as not given."""
    try:
        # Control characters inside of strings are an error of JSON that a model makes, and harmless.
        given = json.loads(content, strict=False) if content.strip() else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BrowserError(
            f"the arguments of browser.{function} must be one JSON object, such as {_EXAMPLES[function]}."
        )
    known = _ARGUMENTS[function]
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            *others, last = known
            names = f"{', '.join(others)} and {last}"
            raise BrowserError(f"browser.{function} has no argument {one_line(name, 40)}. Its arguments are {names}.")
        if value is not None:
            values[name] = _typed(function, name, value, known[name])
    for name in ("query", "pattern"):
        if name in known and not values.get(name, "").strip():
            raise BrowserError(f"browser.{function} needs the argument {name}.")
    return values


def _typed(function: str, name: str, value: Any, wanted: type | tuple[type, ...]) -> Any:
    """The value, or the number that a string or a float spells; anything else raises BrowserError."""
    types = wanted if isinstance(wanted, tuple) else (wanted,)
    if int in types and isinstance(value, float) and value.is_integer():
        return int(value)
    if int in types and isinstance(value, str) and value.removeprefix("-").isdecimal() and len(value) < 10:
        return int(value)
    if type(value) in types:
        return visible(value) if isinstance(value, str) else value
    kinds = " or ".join(_KINDS[kind] for kind in types)
    raise BrowserError(f"the argument {name} of browser.{function} must be {kinds}, not {_KINDS[type(value)]}.")
