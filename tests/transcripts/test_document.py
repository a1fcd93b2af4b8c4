"""The JSON document says what happened, and keeps its form."""

import json

import msgspec

from gptoss.engine.events import ContextTrimmed, SessionRenamed, UnknownEvent
from gptoss.engine.harmony import Harmony
from gptoss.transcripts.document import FORMAT, VERSION, About, Called, Document, Line, Made, Note, document, to_json
from gptoss.transcripts.times import iso
from tests.engine.harmony_text import tokens
from tests.recorded import ANSWER, CALL, MALFORMED, RESULT, Recording


def exported(recording: Recording) -> Document:
    return document(recording.log.read(recording.session.branch))


def said(harmony: Harmony, *replies: str) -> Recording:
    recording = Recording(harmony, replies)
    conversation = recording.open()
    list(conversation.say("Hello"))
    conversation.close()
    return recording


def test_a_turn_with_a_tool(harmony: Harmony) -> None:
    found = exported(said(harmony, CALL, RESULT))
    assert (found.session.name, found.session.turns, found.session.head) == ("a", 1, found.messages[-1].seq + 1)
    assert [(line.role, line.channel, line.content) for line in found.messages] == [
        ("user", None, "Hello"),
        ("assistant", "analysis", "print(1 + 1)"),
        ("tool", "analysis", 'Error: the tool "python" is not enabled in this session. Enabled tools: none.'),
        ("assistant", "final", "It is 2."),
    ]
    (call,) = found.tool_calls
    assert (call.message, call.recipient, call.outcome) == (found.messages[1].seq, "python", "unavailable")
    assert [made.reason for made in found.generations] == ["stop", "stop"]
    assert [made.sampled_tokens for made in found.generations] == [len(tokens(harmony, r)) for r in (CALL, RESULT)]
    assert found.messages[1].generation == found.generations[0].seq
    assert all(line.time.endswith("Z") for line in found.messages)


def test_a_continued_answer_is_there_once_and_its_generations_are_all(harmony: Harmony) -> None:
    recording = Recording(harmony, [ANSWER] * 3)
    conversation = recording.open()
    recording.interrupted(conversation.say("Hello"), after=12)
    partial = exported(recording)
    assert partial.messages[-1].partial
    assert partial.generations[-1].reason == "interrupted"
    list(conversation.proceed())
    conversation.close()
    whole = exported(recording)
    assert [line.content for line in whole.messages if line.channel == "final"] == ["Hello there!"]
    assert not any(line.partial for line in whole.messages)
    first, second = whole.generations
    assert second.continues == first.seq
    assert first.sampled_tokens + second.sampled_tokens == len(tokens(harmony, ANSWER))


def test_what_happened_beside_the_conversation_is_a_note(harmony: Harmony) -> None:
    recording = said(harmony, MALFORMED)
    head = exported(recording).session.head
    recording.log.append(
        recording.session.branch,
        head,
        [
            SessionRenamed(name="b"),
            ContextTrimmed(through=2, dropped_tokens=100),
            UnknownEvent(name="MoonRose", schema_version=3, payload='{"phase":"full"}'),
        ],
    )
    found = exported(recording)
    assert found.session.name == "b"
    assert [note.kind for note in found.notes] == ["ParseRecovered", "SessionRenamed", "ContextTrimmed", "MoonRose"]
    assert found.notes[-1].text == "MoonRose (version 3): unknown to this release of gptoss, kept as it is"


def test_the_json_can_be_read_back(harmony: Harmony) -> None:
    found = exported(said(harmony, ANSWER))
    text = to_json(found)
    assert msgspec.json.decode(text, type=Document) == found
    assert list(json.loads(text))[:2] == ["format", "version"]
    assert text.endswith("}\n")


def test_the_form_is_the_one_that_was_promised() -> None:
    """Version 1 may gain keys; one that goes or changes its meaning makes a version 2."""
    assert (FORMAT, VERSION) == ("gptoss-transcript", 1)
    promised = {
        Document: "format version session settings messages generations tool_calls notes",
        About: "id name started updated head turns",
        Line: "seq turn time role channel recipient name content_type content generation tokens partial",
        Made: "seq time backend model sampling prompt_tokens continues sampled_tokens prefilled_tokens first_token_ms "
        "elapsed_ms reason stop_token error",
        Called: "seq time message recipient outcome duration_ms artefacts",
        Note: "seq time kind text",
    }
    for struct, keys in promised.items():
        assert set(keys.split()) <= set(struct.__struct_fields__)


def test_times_are_iso_8601_in_utc() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000000Z"
    assert iso(1_767_312_000_000_042) == "2026-01-02T00:00:00.000042Z"
