"""From sampled tokens to Harmony messages, one token at a time, never raising.

A model at temperature 1 writes malformed Harmony now and then: a doubled `<|start|>`, text after `<|end|>`, an end
inside a header, an empty channel. The library's strict parser raises on those. This one keeps every complete message,
salvages the rest as text and reports a `Malformed` for each repair, so that the user sees an answer and the log says
what happened.

A `Parser` is fed the tokens that follow the prompt's `<|start|>assistant`. Positions count those tokens from 0.
"""

import codecs
from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from gptoss.engine.message import Message
from gptoss.engine.tokens import CALL, CHANNEL, CONSTRAIN, END, ENDOFTEXT, FIRST_SPECIAL, MESSAGE, RETURN, START

CHANNELS = ("analysis", "commentary", "final")

LONGEST_HEADER = 64
"""Tokens. A header that goes on for longer is text whose header never came."""


class TokenBytes(Protocol):
    """What a parser must know of an encoding: `Harmony` does, and so does `Vocabulary`, which is loaded sooner."""

    def token_bytes(self, token: int) -> bytes:
        """The bytes of an ordinary token, which may be a part of a character."""
        ...


class MessageBegun(Struct, frozen=True):
    """A header is complete; text follows."""

    channel: str | None
    recipient: str | None
    content_type: str | None


class TextDelta(Struct, frozen=True):
    """More text of the message that was begun last."""

    text: str


class MessageParsed(Struct, frozen=True):
    """A message is over. `span` is None when it was repaired and so cannot be spliced into a prompt as it is."""

    message: Message
    span: tuple[int, int] | None
    partial: bool = False


class Malformed(Struct, frozen=True):
    """What was repaired, as a sentence, and the tokens concerned."""

    span: tuple[int, int]
    problem: str


ParseUpdate = MessageBegun | TextDelta | MessageParsed | Malformed


class _Draft:
    """The message being read. `whole` says that its tokens may go into a prompt as they are.

    A header has up to three parts, each the tokens after a special one; `part` is the one being read.
    """

    def __init__(self, start: int) -> None:
        self.start = start
        self.whole = True
        self.role: list[int] = []
        self.channel_text: list[int] = []
        self.constraint: list[int] = []
        self.part = self.role
        self.channel: str | None = None
        self.recipient: str | None = None
        self.content_type: str | None = None
        self.content: list[str] = []
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")


class Parser:
    """`push` or `feed` tokens, then `finish`; each returns what became known."""

    def __init__(self, encoding: TokenBytes) -> None:
        self._encoding = encoding
        self._position = 0
        self._updates: list[ParseUpdate] = []
        self._place: Literal["header", "content", "between"] = "header"
        self._draft = _Draft(0)
        self._stray: list[int] = []

    def push(self, token: int) -> list[ParseUpdate]:
        """Take one token."""
        return self.feed((token,))

    def feed(self, ids: Sequence[int]) -> list[ParseUpdate]:
        """Take tokens; what they add to the text of a message comes in one piece."""
        self._updates = []
        at, end = 0, len(ids)
        while at < end:
            begun = at
            if self._place == "content":
                while at < end and ids[at] < FIRST_SPECIAL:
                    at += 1
            if at > begun:
                self._position += at - begun
                self._text(self._draft.decoder.decode(self._spelt(ids[begun:at])))
            else:
                self._take(ids[at])
                at += 1
        return self._updates

    def _take(self, token: int) -> None:
        position = self._position
        self._position += 1
        if self._place == "content":
            self._in_content(token, position)
        elif self._place == "header":
            self._in_header(token, position)
        else:
            self._between(token, position)

    def finish(self) -> list[ParseUpdate]:
        """The stream was cut here: what has been said of an unfinished message becomes a partial one."""
        self._updates = []
        if self._place == "content":
            self._text(self._draft.decoder.decode(b"", final=True))
            if self._draft.content or self._draft.recipient:
                self._emit(partial=True)
        elif self._place == "header" and self._draft.part is self._draft.role:
            text = self._read_header_as_text()
            if text.strip():
                self._repair(self._position - 1, "a message came without a header")
                self._enter_content(text)
                self._emit(partial=True)
        elif self._place == "between":
            self._salvage_stray()
        self._place = "between"
        return self._updates

    # Each message is parsed in a header, then in its content; "between" waits for the next `<|start|>`.

    def _begin(self, start: int) -> None:
        self._place = "header"
        self._draft = _Draft(start)
        self._stray = []

    def _in_header(self, token: int, position: int) -> None:
        if token == MESSAGE:
            self._close_header()
        elif token == CHANNEL:
            if self._draft.channel_text:
                self._repair(position, "a header named its channel twice")
                self._draft.channel_text.clear()
            self._draft.part = self._draft.channel_text
        elif token == CONSTRAIN:
            self._draft.part = self._draft.constraint
        elif token == START:
            self._begin(self._draft.start)
            self._repair(position, "a message was started twice")
        elif token in (END, RETURN, CALL, ENDOFTEXT):
            self._end_in_header(position)
        elif token >= FIRST_SPECIAL:
            self._repair(position, "a reserved token stood in a header")
        else:
            self._draft.part.append(token)
            if position - self._draft.start >= LONGEST_HEADER:
                self._repair(position, "a message came without a header")
                self._enter_content(self._read_header_as_text())

    def _close_header(self) -> None:
        role, recipient = _split(self._decode(self._draft.role))
        channel_words, other_recipient = _split(self._decode(self._draft.channel_text))
        self._draft.recipient = other_recipient or recipient
        channel = channel_words[0] if channel_words else None
        kind = self._decode(self._draft.constraint).strip() or " ".join(channel_words[1:])
        self._draft.content_type = kind or None
        speaker = role[0] if role else "assistant"
        if speaker != "assistant":
            self._repair(self._position - 1, f"the model began to speak as {speaker!r}")
            channel = "commentary"
        elif channel not in CHANNELS:
            # What has no channel is shown to the user, unless it is addressed to a tool.
            self._repair(self._position - 1, "a message came without a valid channel")
            channel = "commentary" if self._draft.recipient else "final"
        self._draft.channel = channel
        self._enter_content()

    def _enter_content(self, text: str = "") -> None:
        self._place = "content"
        draft = self._draft
        self._updates.append(MessageBegun(draft.channel, draft.recipient, draft.content_type))
        self._text(text)

    def _end_in_header(self, position: int) -> None:
        self._repair(position, "a message ended inside its header")
        text = self._read_header_as_text()
        if text.strip():
            self._enter_content(text)
            self._emit()
        self._place = "between"

    def _read_header_as_text(self) -> str:
        """What the model wanted to say where a header should be."""
        draft = self._draft
        words, draft.recipient = _split(self._decode(draft.role))
        if words[:1] == ["assistant"]:
            del words[0]
        channel_text = self._decode(draft.channel_text).lstrip()
        named = next((name for name in CHANNELS if channel_text.startswith(name)), None)
        draft.channel = named or "final"
        return " ".join(words) + channel_text[len(named or "") :]

    def _in_content(self, token: int, position: int) -> None:
        if token in (END, RETURN, CALL):
            if token == CALL and not self._draft.recipient:
                self._repair(position, "a tool was called without being named")
            self._emit()
        elif token == ENDOFTEXT:
            self._repair(position, "a message ended with end-of-text")
            self._emit()
        elif token in (START, CHANNEL):
            self._repair(position, "a message began before the one before it had ended")
            self._emit(end=position)
            self._begin(position)
            self._draft.whole = token == START
            if token == CHANNEL:
                self._draft.part = self._draft.channel_text
        else:  # `feed` reads what is no special token by itself
            self._repair(position, "a special token stood in a text")

    def _between(self, token: int, position: int) -> None:
        if token == START:
            if self._decode(self._stray).strip():
                self._repair(position, "text stood between two messages")
            self._begin(position)
        elif token in (CHANNEL, MESSAGE):
            # `<|start|>assistant` is missing; what was read as stray text may be its remains.
            stray = self._stray
            self._begin(position - len(stray))
            self._repair(position, "a message was not started")
            self._in_header(token, position)
        elif token in (RETURN, CALL, ENDOFTEXT):
            self._salvage_stray()
        elif token < FIRST_SPECIAL:
            self._stray.append(token)

    def _salvage_stray(self) -> None:
        """Text after the last message, before the stream ended: an answer without a header."""
        text = self._decode(self._stray).strip()
        start = self._position - len(self._stray)
        self._begin(start)
        self._place = "between"
        if text:
            self._repair(start, "a message came without a header")
            self._draft.channel = "final"
            self._enter_content(text)
            self._emit()

    def _text(self, text: str) -> None:
        if text:
            self._draft.content.append(text)
            self._updates.append(TextDelta(text))

    def _emit(self, *, end: int | None = None, partial: bool = False) -> None:
        if not partial:
            self._text(self._draft.decoder.decode(b"", final=True))
        message = Message(
            role="assistant",
            content="".join(self._draft.content),
            channel=self._draft.channel,
            recipient=self._draft.recipient,
            content_type=self._draft.content_type,
        )
        span = (self._draft.start, self._position if end is None else end) if self._draft.whole else None
        self._updates.append(MessageParsed(message, span, partial))
        self._stray = []
        self._place = "between"

    def _repair(self, position: int, problem: str) -> None:
        self._draft.whole = False
        self._updates.append(Malformed((min(self._draft.start, position), position + 1), problem))

    def _decode(self, tokens: list[int]) -> str:
        return self._spelt(tokens).decode("utf-8", "replace")

    def _spelt(self, tokens: Sequence[int]) -> bytes:
        return b"".join(map(self._encoding.token_bytes, tokens))


def _split(text: str) -> tuple[list[str], str | None]:
    """The words of a part of a header, and the recipient among them."""
    words = text.split()
    recipients = [word.removeprefix("to=") for word in words if word.startswith("to=") and word != "to="]
    return [word for word in words if not word.startswith("to=")], recipients[-1] if recipients else None
