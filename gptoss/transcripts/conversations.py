"""Conversations that other programs kept: lists of chat messages as OpenAI's API takes them, and ShareGPT's.

Our own JSON transcripts are read too; what they say of generations is lost, only an archive holds all.

A file holds one conversation or a list of them, as JSON, or one conversation or message a line. What says neither is an
error that names the place; nothing is guessed.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from gptoss.engine.errors import UsageError
from gptoss.engine.message import Message
from gptoss.engine.recovery import tool_message
from gptoss.transcripts.document import FORMAT

_SHAREGPT = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "system": "system",
    "function_call": "call",
    "tool_call": "call",
    "observation": "tool",
    "function_response": "tool",
    "tool": "tool",
}
_REASONING = ("reasoning", "reasoning_content", "thinking")


class Conversation(Struct, kw_only=True):
    """What was said. `instructions` are those for the developer message, `name` what the file calls it, if anything."""

    name: str | None = None
    instructions: str | None = None
    messages: list[Message]


def read_conversations(data: bytes) -> list[Conversation]:
    """All conversations of a file. UsageError with the number of the first bad line or message."""
    text = _text(data)
    if not text.strip():
        raise UsageError("the file is empty: there is nothing to import")
    try:
        value = _json(text)
    except ValueError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) == 1 or not _looks_like_lines(lines[0][1]):
            line = getattr(error, "lineno", 1)
            raise UsageError(f"line {line}: this is not JSON ({getattr(error, 'msg', error)})") from error
        return _of_lines(lines)
    return _of_value(value, "")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"line {line}: this is not UTF-8 text") from error


def _json(text: str) -> Any:
    """Raises ValueError."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _looks_like_lines(first: str) -> bool:
    try:
        _json(first)
    except ValueError:
        return False
    return True


def _of_lines(lines: list[tuple[int, str]]) -> list[Conversation]:
    found: list[Conversation] = []
    messages: list[tuple[str, Any]] = []
    for number, line in lines:
        where = f"line {number}: "
        try:
            value = _json(line)
        except ValueError as error:
            raise UsageError(f"{where}this is not JSON ({getattr(error, 'msg', error)})") from error
        if isinstance(value, dict) and ("role" in value or "from" in value):
            messages.append((where, value))
        else:
            found += _of_value(value, where)
    if messages and found:
        raise UsageError(f"{messages[0][0]}a message stands among whole conversations: a file holds one or the other")
    return [_conversation(messages, None)] if messages else found


def _of_value(value: Any, where: str) -> list[Conversation]:
    if isinstance(value, dict) and value.get("format") == FORMAT:
        return [_transcript(value, where)]
    if isinstance(value, dict):
        name = next((str(value[key]) for key in ("title", "name", "id") if isinstance(value.get(key), str | int)), None)
        for key in ("messages", "conversations", "conversation"):
            if isinstance(value.get(key), list):
                return [_conversation(_numbered(value[key], where), name, where)]
        if "role" in value or "from" in value:
            return [_conversation([(where, value)], None)]
        raise UsageError(f"{where}there is neither a list of messages nor one of conversations in this object")
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where}a conversation is a list of messages, and this is none")
    if any(isinstance(one, dict) and ("role" in one or "from" in one) for one in value):
        return [_conversation(_numbered(value, where), None)]
    return [each for number, one in enumerate(value, 1) for each in _of_value(one, f"{where}conversation {number}: ")]


def _transcript(value: dict[str, Any], where: str) -> Conversation:
    """What `gptoss export --format json` wrote, as far as its messages go."""
    try:
        messages = msgspec.convert(value.get("messages"), list[Message])
        name = msgspec.convert(value.get("session", {}).get("name"), str | None)
        instructions = msgspec.convert(value.get("settings", {}).get("developer_message"), str | None)
    except (msgspec.ValidationError, AttributeError) as error:
        raise UsageError(f"{where}this transcript is damaged ({error})") from error
    return Conversation(name=name, instructions=instructions, messages=messages)


def _numbered(values: list[Any], where: str) -> list[tuple[str, Any]]:
    return [(f"{where}message {number}: ", value) for number, value in enumerate(values, 1)]


def _conversation(values: list[tuple[str, Any]], name: str | None, where: str = "") -> Conversation:
    read = _Reader()
    for place, value in values:
        try:
            read.message(value)
        except UsageError as error:
            raise UsageError(f"{place}{error}") from error
    if not read.messages and not read.instructions:
        raise UsageError(f"{where}there is no message in this conversation")
    return Conversation(name=name, instructions="\n\n".join(read.instructions) or None, messages=read.messages)


class _Reader:
    """Takes message after message; remembers the calls, which results name by an id."""

    def __init__(self) -> None:
        self.instructions: list[str] = []
        self.messages: list[Message] = []
        self._calls: dict[str, str] = {}
        self._called: str | None = None

    def message(self, value: Any) -> None:
        if not isinstance(value, dict):
            raise UsageError("a message is an object")
        kind = value.get("role", value.get("from"))
        role = kind if "role" in value else _SHAREGPT.get(str(kind))
        content = value.get("content") if "role" in value else value.get("value")
        steps: dict[Any, Callable[[dict[str, Any], Any], None]] = {
            "system": self._instruct,
            "developer": self._instruct,
            "user": self._user,
            "assistant": self._assistant,
            "call": self._call,
            "tool": self._tool,
            "function": self._tool,
        }
        if not isinstance(role, str) or role not in steps:
            raise UsageError(f"{kind!r} is nobody who speaks in a conversation")
        steps[role](value, content)

    def _instruct(self, value: dict[str, Any], content: Any) -> None:
        if self.messages:
            self.messages.append(Message(role="developer", content=_said(content)))
        else:
            self.instructions.append(_said(content))

    def _user(self, value: dict[str, Any], content: Any) -> None:
        self.messages.append(Message(role="user", content=_said(content)))

    def _assistant(self, value: dict[str, Any], content: Any) -> None:
        self._think(value)
        calls = value.get("tool_calls") or []
        if isinstance(value.get("function_call"), dict):
            calls = [*calls, {"function": value["function_call"]}]
        if not isinstance(calls, list):
            raise UsageError("tool_calls is not a list")
        if content or not calls:
            channel = "commentary" if calls else "final"
            self.messages.append(Message(role="assistant", channel=channel, content=_said(content or "")))
        for call in calls:
            function = call.get("function", call.get("custom")) if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
                raise UsageError("a tool call names no function")
            self._append_call(function["name"], function.get("arguments", function.get("input", "")), call.get("id"))

    def _call(self, value: dict[str, Any], content: Any) -> None:
        self._think(value)
        try:
            call = _json(_said(content))
        except ValueError as error:
            raise UsageError("the value of a function call is not JSON") from error
        if not isinstance(call, dict) or not isinstance(call.get("name"), str) or not call["name"]:
            raise UsageError("a function call names no function")
        self._append_call(call["name"], call.get("arguments", {}), None)

    def _think(self, value: dict[str, Any]) -> None:
        for reasoning in (value[key] for key in _REASONING if value.get(key)):
            self.messages.append(Message(role="assistant", channel="analysis", content=_said(reasoning)))

    def _append_call(self, name: str, arguments: Any, id: Any) -> None:
        recipient = name if name == "python" or "." in name else f"functions.{name}"
        if any(character.isspace() for character in recipient) or "<|" in recipient:
            raise UsageError(f"{name!r} cannot be the name of a function")
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        self.messages.append(
            Message(role="assistant", channel="commentary", recipient=recipient, content_type="json", content=text)
        )
        self._called = recipient
        if isinstance(id, str):
            self._calls[id] = recipient

    def _tool(self, value: dict[str, Any], content: Any) -> None:
        named = self._calls.get(value.get("tool_call_id") or "") or self._called
        if named is None:
            raise UsageError("this is the result of a call that is missing")
        self.messages.append(tool_message(named, _said(content), "commentary"))


def _said(content: Any) -> str:
    """The text of a message: a string, or a list of parts that are texts."""
    if isinstance(content, str):
        return _whole(content)
    if isinstance(content, list):
        return _whole("".join(_parts(content)))
    raise UsageError("the content of a message is a text, or a list of texts")


def _parts(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        if not isinstance(part, dict):
            raise UsageError("a part of the content is not an object")
        text = part.get("text", part.get("refusal"))
        if not isinstance(text, str):
            raise UsageError(
                f"a part of the content is no text but {str(part.get('type'))[:40]!r}: gptoss reads text alone"
            )
        yield text


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the text holds half of a character (a lone surrogate)") from error
    return text
