"""What is exported is what others read: their own types, validators and players say so."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from gptoss.cli.casting import WIDTH, cast
from gptoss.engine.harmony import Harmony
from gptoss.engine.rendering import prompt_hash
from gptoss.transcripts.document import Document, document, to_json, without_reasoning
from gptoss.transcripts.markdown import to_markdown
from gptoss.transcripts.openai import openai_messages
from gptoss.transcripts.prompts import REMOVED, harmony_lines
from gptoss.transcripts.redaction import Redactor
from gptoss.transcripts.sharegpt import conversation
from tests.recorded import ANSWER, CALL, MALFORMED, RESULT, Recording

DOCS = Path(__file__).parents[2] / "docs"
PREAMBLE = (
    "<|channel|>commentary<|message|>Let me look.<|end|>"
    '<|start|>assistant to=functions.look_up<|channel|>commentary <|constrain|>json<|message|>{"q": 1}<|call|>'
)


@pytest.fixture(scope="module")
def recording(harmony: Harmony) -> Recording:
    """Greeting, a tool, a function with a preamble, a repair, and an answer that was stopped and continued."""
    found = Recording(harmony, [ANSWER, CALL, RESULT, PREAMBLE, RESULT, MALFORMED, ANSWER, ANSWER])
    conversation = found.open()
    for text in ("Hello", "Add 1 and 1", "Look it up", "Hm"):
        list(conversation.say(text))
    found.interrupted(conversation.say("Hello again"), after=12)
    list(conversation.proceed())
    conversation.close()
    return found


@pytest.fixture(scope="module")
def doc(recording: Recording) -> Document:
    return document(recording.log.read(recording.session.branch))


def test_the_json_is_valid_by_its_published_schema(doc: Document) -> None:
    schema = json.loads((DOCS / "transcript.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(to_json(doc)))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(to_json(doc)) | {"messages": [{"role": "moon"}]}, schema)


def test_the_published_schema_is_that_of_the_code() -> None:
    """`python -m gptoss.transcripts.schema > docs/transcript.schema.json` makes it."""
    from gptoss.transcripts.schema import transcript_schema

    assert (DOCS / "transcript.schema.json").read_text(encoding="utf-8") == transcript_schema()


def test_openais_client_takes_the_messages(doc: Document) -> None:
    messages = openai_messages(doc)
    adapter: TypeAdapter[list[Any]] = TypeAdapter(list[ChatCompletionMessageParam])
    for message, read in zip(messages, adapter.validate_python(messages), strict=True):
        read.update({key: list(value) for key, value in read.items() if key == "tool_calls"})  # lazy in pydantic
        assert read == message  # nothing that the types do not know
    assert [message["role"] for message in messages].count("user") == 5
    (python, look_up) = [message for message in messages if "tool_calls" in message]
    assert python["tool_calls"][0]["function"] == {"name": "python", "arguments": '{"code": "print(1 + 1)"}'}
    assert look_up["content"] == "Let me look."
    assert look_up["tool_calls"][0]["function"] == {"name": "look_up", "arguments": '{"q": 1}'}
    assert "The user greets." not in str(messages)
    # Every call is answered by the very next message.
    for number, message in enumerate(messages):
        if "tool_calls" in message:
            assert messages[number + 1]["tool_call_id"] == message["tool_calls"][0]["id"]


def test_a_call_without_an_answer_is_left_out(recording: Recording) -> None:
    events = list(recording.log.read(recording.session.branch))
    for until in range(2, len(events) + 1):
        messages = openai_messages(document(events[:until]))
        calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
        assert calls == [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def test_sharegpt_tells_who_said_what(doc: Document) -> None:
    said = conversation(doc)["conversations"]
    assert said[:2] == [
        {"from": "human", "value": "Hello"},
        {"from": "gpt", "value": "Hello there!", "reasoning": "The user greets."},
    ]
    assert {one["from"] for one in said} == {"human", "gpt", "function_call", "observation"}
    assert all("reasoning" not in one for one in conversation(without_reasoning(doc))["conversations"])


def test_harmony_is_what_the_model_saw_and_said(recording: Recording, harmony: Harmony) -> None:
    events = recording.log.read(recording.session.branch)
    found = [json.loads(line) for line in harmony_lines(events, harmony)]
    assert len(found) == 8
    for generation in found:
        segments = generation["prompt"]["segments"]
        ids = tuple(token for segment in segments for token in segment["ids"])
        assert prompt_hash(ids) == generation["prompt"]["hash"]
        assert all(segment["text"] == harmony.decode(tuple(segment["ids"])) for segment in segments)
    assert found[0]["answer"]["text"] == ANSWER
    assert found[-1]["continues"] == found[-2]["seq"]
    assert found[1]["prompt"]["dropped"][0]["reason"] == "reasoning of an earlier turn"


def test_harmony_hides_the_tokens_of_what_was_redacted(recording: Recording, harmony: Harmony) -> None:
    events = recording.log.read(recording.session.branch)
    redactor = Redactor(["greets"])
    (first, *_) = (json.loads(line) for line in harmony_lines(events, harmony, redactor))
    assert "greets" not in first["answer"]["text"]
    assert "[user]" in first["answer"]["text"]
    assert REMOVED in first["answer"]["ids"]
    assert redactor.removed[0].startswith("user name greets")


def test_markdown_renders_to_the_shape_that_was_meant(doc: Document) -> None:
    tokens = MarkdownIt().parse(to_markdown(doc))
    headings = [tokens[n + 1].content for n, token in enumerate(tokens) if token.type == "heading_open"]
    assert headings == ["a"]
    assert sum(token.type == "fence" for token in tokens) == 4  # two calls, two results
    assert sum(token.type == "hr" for token in tokens) == 5


def text_of(recording: Iterable[str]) -> str:
    """What a recording shows, without colours."""
    _, *frames = (json.loads(line) for line in recording)
    return re.sub("\x1b\\[[0-9]*m", "", "".join(text for _, _, text in frames))


def test_asciinema_plays_the_recording(recording: Recording, harmony: Harmony, tmp_path: Path) -> None:
    asciicast = pytest.importorskip("asciinema.asciicast", reason="asciinema is not installed")
    file = tmp_path / "a.cast"
    file.write_text("".join(cast(recording.log.read(recording.session.branch), harmony)), encoding="utf-8")
    with asciicast.open_from_url(str(file)) as played:
        assert played.version == 2
        assert played.v2_header["width"] == WIDTH
        frames = list(played.events())
    text = "".join(text for _, kind, text in frames)
    assert "Hello there!" in text.replace("\x1b[0m", "").replace("\x1b[2m", "")
    assert "\n" not in text.replace("\r\n", "")
    assert [time for time, _, _ in frames] == sorted(time for time, _, _ in frames)


def test_a_recording_without_reasoning_and_secrets(recording: Recording, harmony: Harmony) -> None:
    events = list(recording.log.read(recording.session.branch))
    shown = text_of(cast(events, harmony, reasoning=False))
    assert "greets" not in shown
    assert "thinking" not in shown
    assert "print(1 + 1)" in shown
    hidden = text_of(cast(events, harmony, redactor=Redactor(["Hello"])))
    assert "Hello" not in hidden
    assert "[user]" in hidden


def test_lines_of_json_are_lines(recording: Recording, harmony: Harmony) -> None:
    for line in harmony_lines(recording.log.read(recording.session.branch), harmony):
        assert line.endswith("\n")
        assert msgspec.json.decode(line)["turn"] > 0
