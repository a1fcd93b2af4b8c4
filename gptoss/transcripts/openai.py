"""A document as the list of messages that OpenAI's chat API takes.

The API has no place for reasoning, so it is left out. Tools are functions there, whose names allow fewer characters
than ours: `browser.search` is called `browser_search`. A call that was never answered is left out too: the API refuses
a list with one.
"""

import json
import re
from typing import Any

from gptoss.transcripts.document import Document, Line

LONGEST_NAME = 64


def to_openai(document: Document) -> str:
    """The list as indented JSON, ending with a newline."""
    return json.dumps(openai_messages(document), indent=2, ensure_ascii=False) + "\n"


def openai_messages(document: Document) -> list[dict[str, Any]]:
    """The messages, as `openai.types.chat.ChatCompletionMessageParam` describes them."""
    messages: list[dict[str, Any]] = []
    if document.settings.developer_message:
        messages.append({"role": "developer", "content": document.settings.developer_message})
    calls = _answered_calls(document)
    answered = set(calls.values())
    for line in document.messages:
        if line.role == "tool":
            if line.seq in calls:
                messages.append({"role": "tool", "tool_call_id": _call_id(calls[line.seq]), "content": line.content})
        elif is_call(line):
            if line.seq in answered:
                messages.append(_with_call(messages, line))
        elif line.channel != "analysis":
            messages.append({"role": line.role, "content": line.content})
    return messages


def is_call(line: Line) -> bool:
    return line.role == "assistant" and line.recipient is not None and line.recipient not in ("all", "user")


def function_name(recipient: str) -> str:
    """A tool's name as the API allows it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", recipient.removeprefix("functions."))[:LONGEST_NAME] or "tool"


def arguments(line: Line) -> str:
    """The arguments of a call as a JSON object: what is none, such as code, becomes its only member."""
    try:
        if isinstance(json.loads(line.content), dict):
            return line.content
    except (ValueError, RecursionError):
        pass
    key = "code" if line.recipient == "python" else "input"
    return json.dumps({key: line.content}, ensure_ascii=False)


def _answered_calls(document: Document) -> dict[int, int]:
    """The seq of each tool's result, and that of the message whose call it answers."""
    calls: dict[int, int] = {}
    unanswered: int | None = None
    for line in document.messages:
        if is_call(line):
            unanswered = None if line.partial else line.seq
        elif line.role == "tool" and unanswered is not None:
            calls[line.seq] = unanswered
            unanswered = None
    return calls


def _with_call(messages: list[dict[str, Any]], line: Line) -> dict[str, Any]:
    """The message of a call; what the model said right before it goes into the same one."""
    preamble: str | None = None
    if messages and messages[-1]["role"] == "assistant" and "tool_calls" not in messages[-1]:
        preamble = messages.pop()["content"]
    function = {"name": function_name(line.recipient or ""), "arguments": arguments(line)}
    call = {"id": _call_id(line.seq), "type": "function", "function": function}
    return {"role": "assistant", "content": preamble, "tool_calls": [call]}


def _call_id(seq: int) -> str:
    return f"call_{seq}"
