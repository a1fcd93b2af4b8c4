"""`gptoss search`: where something was said. Loads no model."""

from contextlib import closing
from datetime import datetime, timedelta
from time import localtime, strftime
from typing import get_args

import msgspec

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.harmless import harmless
from gptoss.cli.output import Output
from gptoss.engine.errors import UsageError
from gptoss.engine.searching import SAID, SearchHit, SearchRequest, SearchRole, Snippet, parse_query, snippet
from gptoss.transcripts.times import iso

SNIPPET = 200
"""Characters shown of a message."""


def search_sessions(
    adapters: Adapters,
    database: str | None,
    text: str,
    out: Output,
    *,
    session: str | None,
    role: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """Show the messages that match, the best first. Exit code 1 when there are none, as grep does."""
    if limit < 1:
        raise UsageError(f"--limit must be at least 1, not {limit}")
    request = SearchRequest(
        query=parse_query(text),
        session=session,
        roles=_roles(role),
        since=_microseconds("--since", since) if since else 0,
        until=_microseconds("--until", until, end=True) if until else 1 << 62,
        limit=limit,
    )
    with closing(adapters.open_reader(database)) as reader:
        if session is not None:
            reader.session(session)  # a name that is not there is a mistake, not an empty result
        hits = reader.search(request)
    for hit in hits:
        part = snippet(harmless(hit.text), request.query, SNIPPET)
        if as_json:
            out.write(msgspec.json.encode(_facts(hit, part)).decode() + "\n")
        else:
            _show(hit, part, out)
    if not hits and not as_json:
        out.line("Nothing was found.")
    return 0 if hits else 1


def _show(hit: SearchHit, part: Snippet, out: Output) -> None:
    when = strftime("%Y-%m-%d %H:%M", localtime(hit.time / 1e6))
    branch = "" if hit.branch_name == "main" else f", branch {hit.branch_name}"
    out.line(f"{hit.session}{branch}, event {hit.seq}, {when}, {hit.role}", "dim")
    out.write("  ")
    at = 0
    for first, last in part.marks:
        out.write(part.text[at:first])
        out.write(part.text[first:last], "bold")
        at = last
    out.write(part.text[at:] + "\n")


def _facts(hit: SearchHit, part: Snippet) -> dict[str, object]:
    return {
        "session": hit.session,
        "branch": hit.branch,
        "branch_name": hit.branch_name,
        "seq": hit.seq,
        "time": iso(hit.time),
        "role": hit.role,
        "snippet": part.text,
        "marks": part.marks,
        "text": hit.text,
    }


def _roles(role: str | None) -> frozenset[SearchRole]:
    if role is None:
        return SAID
    for known in get_args(SearchRole):
        if role == known:
            return frozenset({known})
    raise UsageError(f"--role is one of {', '.join(get_args(SearchRole))}, not {role!r}")


def _microseconds(option: str, text: str, *, end: bool = False) -> int:
    """A date or time as microseconds since 1970, local unless it says otherwise; a date alone can mean its end."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise UsageError(f"{option} is a date such as 2026-01-31 or 2026-01-31T14:30, not {text!r}") from error
    if end and len(text.strip()) <= len("2026-01-31"):
        moment += timedelta(days=1)
    return round(moment.timestamp() * 1_000_000)
