"""What is shown of a tool's result: enough to follow the conversation; the log has it all."""

import re

LINES = 40
"""Lines of a result that are shown."""
COLUMNS = 500
"""Characters of a line that are shown."""

_PAGE = re.compile(r"\[\d+\] [^\n]*\n\*\*viewing lines \[(\d+) - (\d+)\] of (\d+)\*\*\n")
"""The frame that the browser puts around a page."""


def shown(name: str | None, text: str, *, pages: bool) -> str:
    """A tool's result, shortened; of a page that the browser fetched only its title, unless `pages`."""
    frame = _PAGE.match(text) if name is not None and name.startswith("browser.") else None
    if frame is not None and not pages:
        title, _, _ = text.partition("\n")
        return f"{_cut(title)}, lines {frame[1]} to {frame[2]} of {frame[3]}"
    lines = text.split("\n")
    more = [f"… {len(lines) - LINES} more lines"] if len(lines) > LINES else []
    return "\n".join([*map(_cut, lines[:LINES]), *more])


def _cut(line: str) -> str:
    return line if len(line) <= COLUMNS else f"{line[:COLUMNS]} … {len(line) - COLUMNS} more characters"
