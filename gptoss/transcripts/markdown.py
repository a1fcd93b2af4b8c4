"""A document as Markdown that reads well where Markdown is rendered, and as plain text too."""

import re
from collections.abc import Iterator

from gptoss.transcripts.document import Called, Document, Line, Made

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_ENDINGS = {
    "interrupted": "The user stopped the answer here.",
    "length": "The answer was cut off here: it had reached the limit of tokens.",
    "error": "The answer was cut off here: the model failed.",
    "crashed": "The answer was cut off here: the program was stopped.",
}


def to_markdown(document: Document) -> str:
    """Markdown, ending with a newline."""
    return "\n\n".join(_blocks(document)) + "\n"


def _blocks(document: Document) -> Iterator[str]:
    about = document.session
    yield f"# {_inline(about.name)}"
    yield _header(document)
    generations = {made.seq: made for made in document.generations}
    calls = {call.message: call for call in document.tool_calls}
    notes = list(document.notes)
    for line in document.messages:
        while notes and notes[0].seq < line.seq:
            yield f"*({_inline(notes.pop(0).text)})*"
        yield from _message(line, generations, calls)
    for note in notes:
        yield f"*({_inline(note.text)})*"


def _header(document: Document) -> str:
    about, settings = document.session, document.settings
    model = settings.checkpoint or "the embedded model"
    turns = "1 turn" if about.turns == 1 else f"{about.turns} turns"
    started = f"{about.started[:10]} {about.started[11:16]} UTC"
    facts = (
        f"gptoss session, started {started}, {turns}, {_inline(model)}, reasoning effort {settings.reasoning_effort}"
    )
    if settings.developer_message:
        return f"*{facts}*\n\n**Developer**\n\n{_quoted(settings.developer_message)}"
    return f"*{facts}*"


def _message(line: Line, generations: dict[int, Made], calls: dict[int, Called]) -> Iterator[str]:
    if line.role == "user":
        yield "---"
        yield "**User**"
        yield _quoted(line.content)
    elif line.role == "tool":
        yield f"**Result of `{line.name}`**"
        yield _fenced(line.content)
    elif line.recipient is not None:
        yield f"**Call of `{line.recipient}`**" + _outcome(calls.get(line.seq))
        yield _fenced(line.content, _language(line))
    elif line.channel == "analysis":
        yield f"<details><summary>Reasoning</summary>\n\n{_quoted(line.content)}\n\n</details>"
    else:
        yield "**Assistant**" if line.channel == "final" else f"**{line.role.capitalize()}**"
        yield _closed(line.content)
    if line.partial:
        made = generations.get(line.generation or 0)
        yield f"*({_ENDINGS.get(made.reason or '', 'The answer is not finished.') if made else 'Cut off here.'})*"


def _outcome(call: Called | None) -> str:
    return f" ({call.outcome})" if call and call.outcome not in (None, "ok") else ""


def _language(line: Line) -> str:
    if line.content_type == "json":
        return "json"
    return "python" if line.recipient == "python" else ""


def _quoted(text: str) -> str:
    """A block quote holds whatever it is given: an open code fence or tag ends with it."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


def _fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}" if text else f"{fence}{language}\n{fence}"


def _closed(text: str) -> str:
    """Markdown that a model wrote, with the code block that it may have left open closed: the rest is not its code."""
    fence: str | None = None
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found is None:
            continue
        marks, rest = found.groups()
        if fence is None:
            fence = marks if marks[0] == "~" or "`" not in rest else None
        elif marks.startswith(fence) and not rest.strip():
            fence = None
    return f"{text}\n{fence}" if fence else text


def _inline(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#])", r"\\\1", text)
