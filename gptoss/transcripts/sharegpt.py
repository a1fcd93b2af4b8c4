"""A document as ShareGPT conversations are kept: who said what, in the words of that format's datasets.

    {"id": "...", "conversations": [{"from": "human", "value": "Hello"}, {"from": "gpt", "value": "Hi!"}]}

A tool's call is "function_call", whose value is a JSON object of name and arguments, and its result "observation". An
answer carries the reasoning before it under "reasoning", which readers that know no such key pass over.
"""

import json
from typing import Any

from gptoss.transcripts.document import Document, Line
from gptoss.transcripts.openai import arguments, is_call

_FROM = {"user": "human", "assistant": "gpt", "tool": "observation", "system": "system", "developer": "system"}


def to_sharegpt(document: Document) -> str:
    """A list of this one conversation as indented JSON, ending with a newline."""
    return json.dumps([conversation(document)], indent=2, ensure_ascii=False) + "\n"


def conversation(document: Document) -> dict[str, Any]:
    said: list[dict[str, Any]] = []
    if document.settings.developer_message:
        said.append({"from": "system", "value": document.settings.developer_message})
    reasoning: list[str] = []
    for line in document.messages:
        if line.role == "assistant" and line.channel == "analysis" and not is_call(line):
            reasoning.append(line.content)
            continue
        one = _said(line)
        if reasoning and line.role == "assistant":
            one["reasoning"] = "\n\n".join(reasoning)
        reasoning = []
        said.append(one)
    return {"id": document.session.name, "conversations": said}


def _said(line: Line) -> dict[str, Any]:
    if is_call(line):
        call = {"name": line.recipient, "arguments": json.loads(arguments(line))}
        return {"from": "function_call", "value": json.dumps(call, ensure_ascii=False)}
    return {"from": _FROM[line.role], "value": line.content}
