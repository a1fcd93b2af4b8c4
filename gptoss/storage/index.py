"""The full-text index, as SQLite keeps it (FTS5).

It holds no text of its own: the view `said` gives it the text of each event, so that it stays small and can be computed
again by itself. Nor does it hold where in a text a word stands, which would more than double it: whether words stand
side by side is seen when the few texts that have them all are read. Keeping it up to date with every message would cost
more than storing the message; it is brought up to date when it is asked, and each branch's row says how far it is.
"""

# ruff: noqa: S608  # the pieces put together here are constants, never values

from collections.abc import Callable, Iterable
from typing import Any

from gptoss.engine.searching import Query, Term
from gptoss.storage.statements import INDEXED_TO_NEWEST, LAGGING, NEWEST_SEQ, SEQ_BITS

Execute = Callable[..., Any]

MATCHES = f"""
    SELECT e.key FROM search JOIN events e ON e.key = search.rowid
    JOIN branches b ON b.key = e.key >> {SEQ_BITS} JOIN sessions s ON s.key = b.session
    WHERE search MATCH ? AND s.name = coalesce(?, s.name) AND e.time >= ? AND e.time < ?
    ORDER BY search.rank, e.time DESC, e.key DESC
"""

_INDEX = f"""
    INSERT INTO search (rowid, text)
    SELECT said.key, said.text FROM branches b
    CROSS JOIN said ON said.key > b.key << {SEQ_BITS} | b.indexed AND said.key < (b.key + 1) << {SEQ_BITS}
    WHERE b.indexed < {NEWEST_SEQ}
"""
_FORGET = "INSERT INTO search (search, rowid, text) SELECT 'delete', key, text FROM said WHERE key > ? AND key <= ?"
_MERGE = "INSERT INTO search (search) VALUES ('optimize')"


def is_behind(rows: Execute) -> bool:
    """Whether there is something to catch up with; `rows` runs a query."""
    return bool(rows(LAGGING))


def catch_up(execute: Execute) -> None:
    """Index what came since the last time."""
    execute(_INDEX)
    execute(INDEXED_TO_NEWEST)


def forget(execute: Execute, ranges: Iterable[tuple[int, int]]) -> None:
    """Take the events with after < key <= until, which must be indexed, out of the index; to be called before they go.

    Deleting alone would leave their words in the index until it is merged one day.
    """
    some = [between for between in ranges if between[0] < between[1]]
    for between in some:
        execute(_FORGET, between)
    if some:
        merge(execute)


def merge(execute: Execute) -> None:
    """Write the index anew without what was taken out of it."""
    execute(_MERGE)


def rebuild(execute: Execute) -> None:
    execute("INSERT INTO search (search) VALUES ('rebuild')")
    execute(INDEXED_TO_NEWEST)


def check(execute: Execute) -> None:
    """Raises the driver's error when the index, which must be up to date, does not hold what was said."""
    execute("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")


def expression(query: Query) -> str | None:
    """The query in FTS5's words; None when it asks for something that is no word, such as "++"."""
    if not all(term.words for term in query.wanted):
        return None
    wanted = [word for term in query.wanted for word in _quoted(term)]
    unwanted = [word for term in query.unwanted if len(term.words) == 1 for word in _quoted(term)]
    return " AND ".join(wanted) + "".join(f" NOT {word}" for word in unwanted)


def _quoted(term: Term) -> list[str]:
    # Only letters and digits are left, so there is no quote to be doubled.
    words = [f'"{word}"' for word in term.words]
    return [*words[:-1], words[-1] + ("*" if term.prefix else "")]
