"""Raw mode: the Harmony stream itself, special tokens and all, as the model reads it and writes it.

What was rendered for the model is dim, what it sampled is plain, special tokens are coloured in both.
"""

from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence

from gptoss.cli.output import Output, Style
from gptoss.engine.events import GenerationFinished, GenerationStarted, StoredEvent
from gptoss.engine.harmony import Harmony
from gptoss.engine.prefix import common_prefix
from gptoss.engine.rendering import Prompt
from gptoss.engine.tokens import FIRST_SPECIAL
from gptoss.engine.updates import Sampled, Update


class RawDisplay:
    """`prompt` gives the prompt of the generation that has just started.

    Of a prompt only what is new is shown: what extends all that was read and written before.
    """

    def __init__(self, out: Output, harmony: Harmony, prompt: Callable[[], Prompt]) -> None:
        self._out = out
        self._harmony = harmony
        self._prompt = prompt
        self._seen: list[int] = []
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def show(self, update: Update) -> None:
        """One more update. Raises what `Output.write` raises."""
        if isinstance(update, Sampled):
            self._seen += update.ids
            self._write(update.ids, "plain")
        elif isinstance(update, StoredEvent) and isinstance(update.event, GenerationStarted):
            ids = self._prompt().ids
            same = common_prefix(self._seen, ids)
            if same < len(self._seen):
                # A message ends otherwise in a prompt than when it was sampled, and reasoning may have left it.
                self.end()
                self._out.line(f"(the first {same} of {len(ids)} tokens are as before)", "dim")
            self._seen = list(ids)
            self._write(ids[same:], "dim")
        elif isinstance(update, StoredEvent) and isinstance(update.event, GenerationFinished):
            self.end()
            if update.event.reason != "stop":
                self._out.line(f"({update.event.reason})", "notice")

    def end(self) -> None:
        """End the line that is being written, if any."""
        self._flush("plain")
        self._out.end_line()

    def pause(self) -> None:
        """Nothing here is only passing."""

    def _write(self, ids: Sequence[int], style: Style) -> None:
        for token in ids:
            if token >= FIRST_SPECIAL:
                self._flush(style)
                self._out.write(self._harmony.decode((token,)), "tool")
            else:
                self._out.write(self._decoder.decode(self._harmony.token_bytes(token)), style)

    def _flush(self, style: Style) -> None:
        self._out.write(self._decoder.decode(b"", final=True), style)
        self._decoder.reset()
