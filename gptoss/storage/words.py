"""The full-text index, as PostgreSQL keeps it.

What was said is cut into words here, so that both databases agree on what a word is.
"""

# ruff: noqa: S608  # the pieces put together here are constants, never values

from collections.abc import Callable, Iterable
from typing import Any

from gptoss.engine.searching import Query, Term, said, words_of
from gptoss.storage.searching import readable
from gptoss.storage.statements import INDEXED_TO_NEWEST, LAGGING, SEQ_BITS

Execute = Callable[..., Any]

MOST_CHARACTERS = 250_000
"""A tsvector holds 1 MB."""

MATCHES = f"""
    SELECT e.key FROM search JOIN events e ON e.key = search.key
    JOIN branches b ON b.key = e.key >> {SEQ_BITS} JOIN sessions s ON s.key = b.session
    CROSS JOIN (SELECT to_tsquery('simple', ?) AS query) asked
    WHERE search.words @@ asked.query AND s.name = coalesce(?, s.name) AND e.time >= ? AND e.time < ?
    ORDER BY ts_rank(search.words, asked.query, 1) DESC, e.time DESC, e.key DESC
"""
_UNINDEXED = f"""
    SELECT e.key, CAST(e.kind AS BLOB), e.version, CAST(e.payload AS BLOB)
    FROM branches b JOIN events e ON e.key > (b.key << {SEQ_BITS} | b.indexed) AND e.key < (b.key + 1) << {SEQ_BITS}
    WHERE e.kind IN ('MessageAppended', 'SessionStarted', 'SettingsChanged')
    AND e.redacted IS NULL AND e.payload IS NOT NULL
"""
_INSERT = "INSERT INTO search (key, words) VALUES (?, to_tsvector('simple', ?))"


def is_behind(rows: Execute) -> bool:
    return bool(rows(LAGGING))


def catch_up(execute: Execute) -> None:
    for key, kind, version, payload in execute(_UNINDEXED).fetchall():
        event = readable(kind, version, payload)
        spoken = None if event is None else said(event)
        if spoken is not None:
            execute(_INSERT, (key, " ".join(words_of(spoken[1]))[:MOST_CHARACTERS]))
    execute(INDEXED_TO_NEWEST)


def forget(execute: Execute, ranges: Iterable[tuple[int, int]]) -> None:
    for between in ranges:
        execute("DELETE FROM search WHERE key > ? AND key <= ?", between)


def merge(execute: Execute) -> None:
    """The server does that by itself."""


def rebuild(execute: Execute) -> None:
    execute("DELETE FROM search")
    execute("UPDATE branches SET indexed = 0")
    catch_up(execute)


def expression(query: Query) -> str | None:
    """The query in PostgreSQL's words; None when it asks for something that is no word."""
    wanted = [_phrase(term) for term in query.wanted if term.words]
    if len(wanted) < len(query.wanted):
        return None
    return " & ".join([*wanted, *(f"!{_phrase(term)}" for term in query.unwanted if term.words)])


def _phrase(term: Term) -> str:
    # Nothing but letters and digits is left, so there is no operator to be quoted.
    return f"({' <-> '.join(term.words)}{':*' if term.prefix else ''})"
