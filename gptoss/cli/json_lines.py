"""`gptoss chat --json`: everything that happens, one JSON object a line (docs/scripting.md)."""

from typing import Any

import msgspec

from gptoss.cli.output import Output
from gptoss.engine.events import StoredEvent
from gptoss.engine.parsing import MessageBegun, TextDelta
from gptoss.engine.updates import Prefilled, Sampled, Update
from gptoss.transcripts.times import iso


class JsonLines:
    """A display for programs."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def show(self, update: Update) -> None:
        """One more update. Raises what `Output.write` raises."""
        self._out.write(msgspec.json.encode(_object(update)).decode() + "\n")

    def end(self) -> None:
        """Every line is ended already."""

    def pause(self) -> None:
        """Nothing here is only passing."""


def _object(update: Update) -> dict[str, Any]:
    match update:
        case StoredEvent():
            event: dict[str, Any] = msgspec.to_builtins(update.event)
            return {
                "type": "event",
                "seq": update.seq,
                "kind": update.event.kind,
                "time": iso(update.time),
                "event": event,
            }
        case MessageBegun():
            return {"type": "begin", "channel": update.channel, "recipient": update.recipient}
        case TextDelta():
            return {"type": "text", "text": update.text}
        case Sampled():
            return {"type": "tokens", "ids": update.ids}
        case Prefilled():
            return {"type": "prefilled", "tokens": update.tokens, "total": update.total, "cached": update.cached}
