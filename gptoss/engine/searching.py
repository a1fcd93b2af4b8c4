"""What was said, and how it is asked for.

A query is words, all of which must occur; "quoted words" must occur side by side, `word*` begins a word and `-word`
must not occur. There is no other syntax, so whatever somebody types is a query. Case and accents do not matter.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from gptoss.engine.errors import UsageError
from gptoss.engine.events import Event, MessageAppended, SessionStarted, SettingsChanged

SearchRole = Literal["user", "assistant", "developer", "system", "reasoning", "tool"]
"""Who said it. "reasoning" is the analysis channel; "tool" are calls and what they returned."""

SAID: frozenset[SearchRole] = frozenset({"user", "assistant", "developer", "system"})
"""What is searched unless somebody asks for more: what people and the model said to each other."""


class Term(Struct, frozen=True):
    """One word or phrase as it was typed, its words folded, and whether the last one may go on."""

    text: str
    words: tuple[str, ...]
    prefix: bool = False


class Query(Struct, frozen=True):
    wanted: tuple[Term, ...]
    unwanted: tuple[Term, ...] = ()

    def matches(self, text: str) -> bool:
        """Whether the text holds every wanted term and no unwanted one, be it within words."""
        folded = fold(text)
        return all(term.text in folded for term in self.wanted) and not any(
            term.text in folded for term in self.unwanted
        )

    def keeps_phrases(self, text: str) -> bool:
        """Whether the words of each phrase stand side by side in a text that has all wanted words."""
        folded = fold(text)
        wanted, unwanted = (
            [_whole(term) for term in terms if len(term.words) > 1] for terms in (self.wanted, self.unwanted)
        )
        return all(re.search(phrase, folded) for phrase in wanted) and not any(
            re.search(phrase, folded) for phrase in unwanted
        )


class SearchRequest(Struct, frozen=True, kw_only=True):
    """`session` is a name; `since` and `until` bound the time, in microseconds since 1970, half-open."""

    query: Query
    session: str | None = None
    roles: frozenset[SearchRole] = SAID
    since: int = 0
    until: int = 1 << 62
    limit: int = 20


class SearchHit(Struct, frozen=True, kw_only=True):
    """A message that matches: where it is (`branch` is an id, `session` and `branch_name` are names), when, by whom."""

    session: str
    branch: str
    branch_name: str
    seq: int
    time: int
    role: SearchRole
    text: str


class Snippet(Struct, frozen=True):
    """A part of a text on one line; `marks` are the half-open ranges, within it, that the query found."""

    text: str
    marks: tuple[tuple[int, int], ...]


def parse_query(text: str) -> Query:
    """UsageError when there is nothing to look for."""
    terms = [(dash, _term(quoted or word, star)) for dash, quoted, word, star in _TERMS.findall(text)]
    wanted = tuple(term for dash, term in terms if not dash and term.text)
    unwanted = tuple(term for dash, term in terms if dash and term.text)
    if not wanted:
        # Nobody searches for everything that lacks a word: it was an option, such as -p, that was meant.
        wanted, unwanted = unwanted, ()
    if not wanted:
        raise UsageError("there is nothing to search for: give a word")
    return Query(wanted, unwanted)


def fold(text: str) -> str:
    """The text without case and accents, as many characters long as before."""
    return text.lower() if text.isascii() else text.translate(_folded)


def words_of(text: str) -> list[str]:
    """The words of a text, folded."""
    return _WORD.findall(fold(text))


def said(event: Event) -> tuple[SearchRole, str] | None:
    """Who says what in an event, None when nobody says anything."""
    if isinstance(event, MessageAppended):
        message = event.message
        if message.is_tool_call:
            return "tool", message.content
        return "reasoning" if message.channel == "analysis" and message.role == "assistant" else message.role, (
            message.content
        )
    if isinstance(event, (SessionStarted, SettingsChanged)) and event.settings.developer_message:
        return "developer", event.settings.developer_message
    return None


def snippet(text: str, query: Query, length: int) -> Snippet:
    """About `length` characters of the text, around what the query finds first."""
    line = " ".join(text.split())
    found = sorted(_found(fold(line), query.wanted))
    begin = max(0, min(found[0][0] - length // 3, len(line) - length)) if found else 0
    if begin:
        # Not in the middle of a word, if one begins soon.
        space = line.find(" ", begin, begin + 20)
        begin = space + 1 if space >= 0 else begin
    end = min(len(line), begin + length)
    before, after = ("… " if begin else ""), (" …" if end < len(line) else "")
    shift = len(before) - begin
    marks = [(max(first, begin) + shift, min(last, end) + shift) for first, last in found if begin <= first < end]
    return Snippet(before + line[begin:end] + after, tuple(_merged(marks)))


_TERMS = re.compile(r'(?<!\S)(-?)(?:"([^"]*)"?|(\S+?))(\*?)(?!\S)')
_WORD = re.compile(r"[^\W_]+")


class _Folded(dict[int, str]):
    def __missing__(self, code: int) -> str:
        self[code] = unicodedata.normalize("NFD", chr(code))[0].lower()[0]
        return self[code]


_folded = _Folded()


def _term(text: str, star: str) -> Term:
    folded = fold(" ".join(text.split()))
    return Term(folded, tuple(_WORD.findall(folded)), bool(star))


def _whole(term: Term) -> str:
    """The pattern of a term's words, as whole words."""
    inner = r"[\W_]+".join(map(re.escape, term.words))
    return rf"(?<![^\W_]){inner}" + (r"[^\W_]*" if term.prefix else r"(?![^\W_])")


def _found(folded: str, terms: Iterable[Term]) -> list[tuple[int, int]]:
    """Where the terms occur: as whole words if they do, else within words."""
    ranges: list[tuple[int, int]] = []
    for term in terms:
        spans = [match.span() for match in re.finditer(_whole(term), folded)] if term.words else []
        ranges += spans or [match.span() for match in re.finditer(re.escape(term.text), folded)]
    return ranges


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
