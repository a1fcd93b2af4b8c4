"""What other programs kept becomes messages, or a sentence about the first thing that is none."""

import json
from typing import Any

import pytest

from gptoss.engine.errors import UsageError
from gptoss.engine.message import Message
from gptoss.transcripts.conversations import Conversation, read_conversations


def read(value: Any) -> list[Conversation]:
    return read_conversations(json.dumps(value).encode())


def test_openai_messages_with_tools_and_reasoning() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": '{"q":1}'}}
    (found,) = read(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}]},
            {"role": "assistant", "content": "Let me see", "reasoning_content": "Hm", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "assistant", "content": "It is 42."},
            {"role": "developer", "content": "Be kind."},
        ]
    )
    assert found.instructions == "Be brief."
    assert found.messages == [
        Message(role="user", content="Hello"),
        Message(role="assistant", channel="analysis", content="Hm"),
        Message(role="assistant", channel="commentary", content="Let me see"),
        Message(
            role="assistant",
            channel="commentary",
            recipient="functions.look_up",
            content_type="json",
            content='{"q":1}',
        ),
        Message(role="tool", name="functions.look_up", recipient="assistant", channel="commentary", content="42"),
        Message(role="assistant", channel="final", content="It is 42."),
        Message(role="developer", content="Be kind."),
    ]


def test_sharegpt() -> None:
    value = [
        {"id": "one", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
        {
            "conversations": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": "Hi"},
                {"from": "function_call", "value": '{"name": "browser.search", "arguments": {"query": "x"}}'},
                {"from": "observation", "value": "found"},
                {"from": "gpt", "value": "Yes", "reasoning": "Hm"},
            ]
        },
    ]
    one, two = read(value)
    assert (one.name, [message.role for message in one.messages]) == ("one", ["user", "assistant"])
    assert (two.name, two.instructions) == (None, "Be brief.")
    assert [message.recipient for message in two.messages] == [None, "browser.search", "assistant", None, None]
    as_lines = "\n\n".join(json.dumps(conversation) for conversation in value)
    assert read_conversations(as_lines.encode()) == [one, two]


def test_a_message_a_line_is_one_conversation() -> None:
    lines = b'{"role": "user", "content": "Hi"}\r\n\n{"role": "assistant", "content": "Hello"}\n'
    (found,) = read_conversations(b"\xef\xbb\xbf" + lines)
    assert [message.content for message in found.messages] == ["Hi", "Hello"]


USER = {"role": "user", "content": "Hi"}


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"", "empty"),
        (b"hello", "line 1: this is not JSON"),
        (b'[{"role": "user",\n"content": }]', "line 2: this is not JSON"),
        (b"\xff\xfe", "line 1: this is not UTF-8"),
        (b'{"role":"user","content":"a"}\n{"role":"user","content":"\xff"}', "line 2: this is not UTF-8"),
        (b'{"role":"user","content":"a"}\n\n{"role":"user"}', "line 3: the content of a message"),
        (b'{"role":"user","content":"a"}\n{"messages":[]}', "line 2: there is no message"),
        (
            b'{"messages":[{"role":"user","content":"a"}]}\n{"messages":[{"role":"user"}]}',
            "line 2: message 1: the content",
        ),
        (b"[" * 100_000, "line 1: this is not JSON"),
        ([USER, 3], "message 2: a message is an object"),
        ([USER, {"role": "moon", "content": "x"}], "message 2: 'moon' is nobody"),
        ([{"from": "dog", "value": "x"}], "message 1: 'dog' is nobody"),
        ([USER, {"role": "tool", "content": "x"}], "message 2: this is the result of a call that is missing"),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}], "message 1: a tool call names no function"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "message 1: a part of the content is no text"),
        ([{"role": "user", "content": "\ud800"}], "message 1: the text holds half of a character"),
        ({"conversations": []}, "no message"),
        ([], "a conversation is a list"),
        ({"a": 1}, "neither a list of messages"),
        ([[USER], [3]], "conversation 2: "),
    ],
)
def test_a_bad_file_is_a_sentence(value: Any, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        read_conversations(value if isinstance(value, bytes) else json.dumps(value).encode())
