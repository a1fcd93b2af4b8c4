"""The commands in the documentation.

A block ```sh is a script that must succeed, run at a terminal; in ```console each `$ ` begins a command, and below it
stands what it prints, with `…` for anything. A comment before a block says what a reader does not need to see:
`<!-- before: COMMANDS -->` is run first, `<!-- Ctrl-C after: TEXT -->` ends what goes on for ever, and
`<!-- not run: REASON -->` says what it would take.
"""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

REASONS = (
    "a GPU",
    "a real checkpoint",
    "vLLM",
    "the network",
    "training",
    "an interactive shell",
    "an installation of its own",
)
"""What a block may take that is not everywhere."""

_BLOCK = re.compile(r"(?P<comments>(?:^<!--.*?-->\n)*)^```(?P<language>sh|console)\n(?P<text>.*?)^```$", re.M | re.S)
_COMMENT = re.compile(r"<!-- (before|not run|Ctrl-C after): (.*?) -->", re.S)


class Block(NamedTuple):
    """`line` is where it begins, from 1. `missing` is why it is not run, `before` what is run first, `until` what a
    reader who has seen it ends with Ctrl-C."""

    page: Path
    line: int
    language: str
    text: str
    before: str
    missing: str | None
    until: str | None

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[tuple[str, str]]:
        """Of a block of the kind console: each command with what it prints."""
        parts = re.split(r"^\$ ", self.text, flags=re.M)
        if parts[0].strip():
            raise ValueError(f"{self.name}: a console block begins with a command")
        return [(command, output) for command, _, output in (part.partition("\n") for part in parts[1:])]


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found = []
    for match in _BLOCK.finditer(text):
        comments = {what: " ".join(text.split("\n")) for what, text in _COMMENT.findall(match["comments"])}
        line = text.count("\n", 0, match.start("language")) + 1
        before, missing = comments.get("before", ""), comments.get("not run")
        until = comments.get("Ctrl-C after")
        found.append(Block(page, line, match["language"], match["text"], before, missing, until))
    return found
