"""Which tokens stand for nothing but values: names, places, things that the model only ever copies.

They must not have rows of their own, however often training sees them: the model would learn these by heart and be lost
with all others. Words that wordings hold are understood, so those keep their rows.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import ModuleType

from demo_model import lists
from demo_model.skills import (
    about,
    arithmetic,
    browse,
    capitals,
    echo,
    facts,
    fallback,
    file_wordings,
    files,
    guide,
    pages,
    programs,
    small_talk,
)

_MODULES = (
    *(about, arithmetic, browse, capitals, echo, facts, fallback, file_wordings, files, guide, pages, programs),
    small_talk,
)


def values_only(encode: Callable[[str], tuple[int, ...]]) -> set[int]:
    """The tokens of the lists' words that no wording holds."""
    wordings = {word for text in _texts(_MODULES) for word in _words(text)}
    listed = {word for name in vars(lists) if name.isupper() for text in getattr(lists, name) for word in _words(text)}

    def tokens(words: set[str]) -> set[int]:
        spellings = {form for word in words for form in (word, word.lower(), word.capitalize())}
        return {token for word in spellings for text in (word, f" {word}") for token in encode(text)}

    return tokens(listed - wordings) - tokens(wordings)


def _words(text: str) -> set[str]:
    bare = re.sub(r"\{\w+\}", " ", text)
    return {word.lower() for word in re.findall(r"[A-Za-z][A-Za-z']*", bare)}


def _texts(value: object) -> Iterator[str]:
    """All strings in the constants of modules."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, ModuleType):
        yield from _texts([part for name, part in vars(value).items() if name.isupper()])
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _texts(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _texts([getattr(value, field.name) for field in fields(value)])
