"""A session with all that a page can show: reasoning, tools with pictures and patches, sources, forks, endings."""

import json
import zlib
from struct import pack

from gptoss.engine.branching import fork, undo
from gptoss.engine.events import Artefact, Event, MessageAppended, ToolCalled, ToolReturned
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.recovery import tool_message
from tests.recorded import ANSWER, Recording

PAGE = """[0] Dragon boats (local://notes/boats.md)
**viewing lines [0 - 3] of 3**

L0:
L1: URL: local://notes/boats.md
L2: A dragon boat is a long narrow boat.
L3: Its crew is twenty paddlers."""
DIFF = "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old = 1\n+new = 2\n"
RICH = (
    "**Bold**, `code` and a [link](https://example.com/).\n\n```python\nprint(1)\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |"
)


def final(text: str) -> str:
    return f"<|channel|>final<|message|>{text}<|return|>"


def png() -> bytes:
    """A red square of 8 by 8."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8))
    header = pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tool_turn(recording: Recording, recipient: str, argument: str, result: str, *kept: tuple[str, str, bytes]) -> None:
    """A call and its result, appended as an engine would."""
    log, branch = recording.log, recording.log.session("a").branch
    head = log.branch(branch).head
    call = Message(role="assistant", content=argument, channel="analysis", recipient=recipient)
    artefacts = tuple(
        Artefact(digest=log.put_blob(data), name=name, media_type=media_type, size=len(data))
        for name, media_type, data in kept
    )
    events: list[Event] = [
        MessageAppended(message=call),
        ToolCalled(message=head + 1, recipient=recipient),
        ToolReturned(call=head + 2, outcome="ok", duration_ms=120, artefacts=artefacts),
        MessageAppended(message=tool_message(recipient, result, "analysis")),
    ]
    log.append(branch, head, events)


def say(recording: Recording, text: str) -> None:
    recording.session = recording.log.session("a")
    conversation = recording.open()
    list(conversation.say(text))
    conversation.close()


def an_eventful_session(harmony: Harmony) -> Recording:
    """Its branches are main, with everything, and branch-2 and "other", where the last turns went otherwise."""
    recording = Recording(
        harmony,
        [
            ANSWER,
            final(RICH),
            final("Twenty people paddle 【0†L3】."),
            final("Other: gone another way."),
            ANSWER,
            ANSWER,
            final("Third way 🐉."),
        ],
    )
    say(recording, "Hello")
    tool_turn(recording, "python", "plot()", "done", ("plot-1.png", "image/png", png()))
    tool_turn(
        recording,
        "functions.apply_patch",
        json.dumps({"patch": "*** Begin Patch\n*** Update File: x.py\n-old = 1\n+new = 2\n*** End Patch"}),
        "Done!",
        ("changes.diff", "text/x-diff", DIFF.encode()),
    )
    say(recording, "Show me rich text")
    tool_turn(recording, "browser.search", '{"query": "dragon boats"}', PAGE)
    say(recording, "Who paddles?")
    undo(recording.log, recording.log.session("a"))
    say(recording, "Who steers?")
    recording.session = recording.log.session("a")
    conversation = recording.open()
    recording.interrupted(conversation.say("Hello once more"), after=12)
    list(conversation.proceed())
    conversation.close()
    fork(recording.log, recording.log.session("a"), 9, "other")
    say(recording, "Another way?")
    return recording
