"""Shows a conversation as it happens, or as it happened: one display for chat, resume and replay.

It only ever appends (no repainting), so scrollback, pipes and narrow windows stay right. What the model thinks, what it
asks of tools and what they return go to `rest`, indented and labelled; the answer goes to `answers`, alone, and exact
but for its citations, which become numbers. On a terminal both are the same stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gptoss.cli.blocks import Block, FoldedBlock, PatchBlock
from gptoss.cli.kept import Kept, Picture
from gptoss.cli.markdown import MarkdownBlock
from gptoss.cli.output import Output
from gptoss.cli.progress import Remark, tokens_of
from gptoss.cli.results import shown
from gptoss.cli.spinner import Spinner
from gptoss.cli.wrapping import Wrapper
from gptoss.engine.events import (
    GenerationFinished,
    GenerationStarted,
    MessageAppended,
    SessionStarted,
    SettingsChanged,
    StoredEvent,
    ToolCalled,
    ToolOutcome,
    ToolReturned,
)
from gptoss.engine.message import Message
from gptoss.engine.parsing import MessageBegun, TextDelta
from gptoss.engine.settings import Settings
from gptoss.engine.updates import Prefilled, Update
from gptoss.transcripts.document import note

if TYPE_CHECKING:
    from gptoss.tools.browser.citations import Citations

_ENDINGS = {
    "interrupted": "stopped: what was said is kept",
    "length": "cut off at the limit of tokens: what was said is kept",
    "error": "the model failed: what was said is kept",
    "crashed": "the program was stopped here: what was said is kept",
}

_RETURNED: dict[ToolOutcome, str] = {
    "ok": "returned",
    "error": "returned an error",
    "unavailable": "is not enabled",
    "interrupted": "was interrupted",
    "crashed": "was cut off",
}


class Display:
    """Takes updates, live or replayed, and messages whose text nobody saw being written.

    `hint` follows the remark that an answer was cut off, and says how to go on. `follows` says that something stands on
    the screen already, from which the first message is to be set apart. `kept` has the pages that answers cite and the
    pictures that tools made; `pages` shows what the browser fetched. `is_live` says that somebody waits for a model.
    """

    def __init__(
        self,
        answers: Output,
        rest: Output,
        *,
        hint: str = "",
        follows: bool = False,
        kept: Kept | None = None,
        pages: bool = False,
        is_live: bool = False,
    ) -> None:
        self._answers = answers
        self._rest = rest
        self._hint = hint
        self._kept = kept
        self._pages = pages
        self._block: Block | None = None
        self._folded = ""
        self._citations: Citations | None = None
        self._pictures: list[Picture] = []
        # The text of a message that was cut off and is on the screen already, and what of it a continuation repeats.
        self._cut = ""
        self._repeated = ""
        self._continues = False
        self._goes_on = False
        self._read = 0
        self._reading = self._remark_on_reading()
        self._reports_progress = False
        self._spinner = Spinner(rest) if is_live else None
        self._outcome: ToolOutcome = "ok"
        self._settings: Settings | None = None
        self.shows_reasoning = True
        self._empty = not follows
        self._remarks: list[str] = []

    def show(self, update: Update) -> None:
        """One more update. Raises what `Output.write` raises."""
        if isinstance(update, TextDelta):
            self._text(update.text)
        elif isinstance(update, MessageBegun):
            self._begin(update)
        elif isinstance(update, StoredEvent):
            self._event(update)
        elif isinstance(update, Prefilled):
            self._progress(update)

    def message(self, message: Message, *, partial: bool = False) -> None:
        """A message is complete: what of it has not been shown yet is shown now."""
        if message.role != "assistant":
            self.end()
        if self._block is None:
            self._open(message)
            is_result = message.role == "tool"
            self._text(shown(message.name, message.content, pages=self._pages) if is_result else message.content)
        is_seen = self._block is not None and not self._block.is_empty
        self.end()
        self._cut = message.content if partial and is_seen else ""
        self._remark()

    def notice(self, text: str) -> None:
        """A remark of the program's own."""
        self.end()
        self._separate()
        self._rest.sentence(text, "notice")

    def unfold(self) -> None:
        """Show the reasoning that was hidden last."""
        text, self._folded = self._folded, ""
        if text:
            self._open(Message(role="assistant", content=text, channel="analysis"))
            self._text(text)
            self.end()

    def pause(self) -> None:
        """Take away what is only passing: somebody else is about to write."""
        self._clear_progress()

    def end(self) -> None:
        """End the line that is being written, if any."""
        self._clear_progress()
        if self._block is not None:
            if self._citations is not None:
                self._block.write(self._citations.finish())
            self._block.end()
            if isinstance(self._block, FoldedBlock):
                self._folded = self._block.text
            self._block = None
            self._sources()
        self._repeated, self._goes_on = "", False

    def _begin(self, begun: MessageBegun) -> None:
        repeated = self._cut if self._continues else ""
        self._cut, self._continues = "", False
        message = Message(role="assistant", content="", channel=begun.channel, recipient=begun.recipient)
        self._open(message, label=not repeated)
        self._repeated = repeated
        self._goes_on = bool(repeated)

    def _text(self, text: str) -> None:
        if self._block is None:
            self._open(Message(role="assistant", content="", channel="final"))
        if self._repeated:
            text = self._unseen(text)
        if text and self._block is not None:
            self._clear_progress()
            if self._goes_on:
                self._block.go_on()
                self._goes_on = False
            self._block.write(text if self._citations is None else self._citations.push(text))

    def _unseen(self, text: str) -> str:
        """What of the text is not on the screen yet: a continuation begins with what was said before the cut."""
        same = 0
        for one, other in zip(text, self._repeated, strict=False):
            if one != other:
                break
            same += 1
        self._repeated = self._repeated[same:] if same == len(text) else ""
        if self._citations is not None:
            self._citations.push(text[:same])
        return text[same:]

    def _event(self, stored: StoredEvent) -> None:
        event = stored.event
        if isinstance(event, MessageAppended):
            self.message(event.message, partial=event.partial)
        elif isinstance(event, GenerationStarted):
            self._continues = event.continues is not None
            self._read, self._reading = 0, self._remark_on_reading()
            if self._spinner is not None and self._block is None:
                self._spinner.start()
        elif isinstance(event, GenerationFinished):
            self.end()
            self._remark()
            if event.reason in _ENDINGS:
                # Live, where there is a hint, the error itself follows as one.
                error = f" ({event.error})" if event.error and not self._hint else ""
                self.notice(_ENDINGS[event.reason] + error + self._hint)
        elif isinstance(event, ToolCalled):
            if self._spinner is not None:
                self._spinner.start()
        elif isinstance(event, ToolReturned):
            self._outcome = event.outcome
            if self._kept is not None:
                self._kept.add(event.call, event.artefacts)
                self._pictures = self._kept.pictures(event.artefacts)
        elif isinstance(event, SessionStarted | SettingsChanged):
            self._changed(event.settings)
        elif text := note(stored):
            # Repairs are found in the middle of a message.
            self._remarks.append(text)
            if self._block is None:
                self._remark()

    def _open(self, message: Message, *, label: bool = True) -> None:
        self.end()
        title, block = self._look(message)
        self._citations = self._kept.citations() if message.is_final and self._kept is not None else None
        self._separate()
        if title and label:
            self._rest.line(title, "tool" if message.role == "tool" or message.is_tool_call else "dim")
        self._block = block

    def _look(self, message: Message) -> tuple[str, Block]:
        """How a message looks: its title, if any, and the block for its text."""
        if message.role == "user":
            return "", Block(self._rest, "user", Wrapper("> "))
        if message.role == "tool":
            title = f"  {message.name or 'tool'} {_RETURNED[self._outcome]}"
            return title, Block(self._rest, "plain", Wrapper("    "))
        if message.is_tool_call:
            is_patch = (message.recipient or "").endswith("apply_patch")
            block = PatchBlock(self._rest, "    ") if is_patch else Block(self._rest, "plain", Wrapper("    "))
            return f"  calls {message.recipient}", block
        if message.channel == "analysis":
            wrapper = Wrapper("  ", lambda: self._rest.width)
            shape = Block if self.shows_reasoning else FoldedBlock
            return "  thinking", shape(self._rest, "dim", wrapper)
        if message.is_final:
            if self._answers.lays_out:
                return "", MarkdownBlock(self._answers)
            return "", Block(self._answers, "plain", Wrapper("", lambda: self._answers.width))
        return "", Block(self._rest, "plain", Wrapper("  ", lambda: self._rest.width))

    def _sources(self) -> None:
        """What belongs below a message: the sources that an answer cites, the pictures that a tool made."""
        citations, self._citations = self._citations, None
        if citations is not None and citations.sources:
            self._separate()
            for source in citations.sources:
                self._rest.line("  ".join(filter(None, (f"[{source.number}] {source.title}", source.url))), "dim")
        pictures, self._pictures = self._pictures, []
        for picture in pictures:
            self._rest.line(f"    {picture.name}: {picture.file}", "tool")
            self._rest.picture(picture.data)

    def _changed(self, after: Settings) -> None:
        before, self._settings = self._settings, after
        if before is not None:
            changes = [
                f"{field.replace('_', ' ')} {_worded(getattr(before, field))} → {_worded(getattr(after, field))}"
                for field in Settings.__struct_fields__
                if getattr(before, field) != getattr(after, field)
            ]
            self.notice("settings changed: " + "; ".join(changes))

    def _remark(self) -> None:
        remarks, self._remarks = self._remarks, []
        for text in remarks:
            self.notice(text)

    def _separate(self) -> None:
        """A blank line, unless this is the first thing to be shown."""
        if not self._empty:
            self._rest.line()
        self._empty = False

    def _progress(self, prefilled: Prefilled) -> None:
        """Say how much of the prompt has been read, if that takes more than one step."""
        self._read += prefilled.tokens
        whole = prefilled.total - prefilled.cached
        if self._reports_progress or self._read < whole:
            if self._spinner is not None:
                self._spinner.stop()
            self._reports_progress = True
            self._reading(self._read, whole)

    def _remark_on_reading(self) -> Remark:
        return Remark("reading the conversation", self._rest.transient, tokens_of)

    def _clear_progress(self) -> None:
        if self._spinner is not None:
            self._spinner.stop()
        if self._reports_progress:
            self._rest.transient("")
            self._reports_progress = False


def _worded(value: object) -> str:
    """A setting, as people say it."""
    if isinstance(value, tuple):
        return ", ".join(tool.name for tool in value) or "none"
    return str(value)
