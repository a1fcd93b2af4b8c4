"""The parser agrees with the library on valid Harmony and never raises on anything else."""

from itertools import pairwise

import openai_harmony as library
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.parsing import Malformed, MessageParsed, Parser, ParseUpdate, TextDelta
from gptoss.engine.tokens import FIRST_SPECIAL, START
from gptoss.engine.vocabulary import Vocabulary
from tests.engine.harmony_text import SPECIAL, tokens


def parse(harmony: Harmony, ids: list[int]) -> list[ParseUpdate]:
    parser = Parser(harmony)
    updates = [update for token in ids for update in parser.push(token)]
    return updates + parser.finish()


def joined(updates: list[ParseUpdate]) -> list[ParseUpdate]:
    """The same with the pieces of a text put together."""
    whole: list[ParseUpdate] = []
    for update in updates:
        if isinstance(update, TextDelta) and whole and isinstance(whole[-1], TextDelta):
            update = TextDelta(whole.pop().text + update.text)  # type: ignore[union-attr]  # it is a TextDelta, too
        whole.append(update)
    return whole


def messages(updates: list[ParseUpdate]) -> list[MessageParsed]:
    return [update for update in updates if isinstance(update, MessageParsed)]


def problems(updates: list[ParseUpdate]) -> list[str]:
    return [update.problem for update in updates if isinstance(update, Malformed)]


texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
sampled_messages = st.builds(
    lambda content, channel, call: Message(
        role="assistant",
        content=content,
        channel=channel,
        recipient=call[0] if channel != "final" else None,
        content_type=call[1] if channel != "final" and call[0] else None,
    ),
    texts,
    st.sampled_from(["analysis", "commentary", "final"]),
    st.sampled_from([(None, None), ("python", None), ("functions.apply_patch", "json"), ("browser.search", "json")]),
)


@given(st.lists(sampled_messages, min_size=1, max_size=4))
@settings(max_examples=100)
def test_valid_harmony_parses_as_in_the_library(harmony: Harmony, written: list[Message]) -> None:
    ids = [token for message in written for token in harmony.render(message)][2:]
    updates = parse(harmony, ids)
    assert [update.message for update in messages(updates)] == written
    assert not problems(updates)

    theirs = library.StreamableParser(
        library.HarmonyEncoding(harmony._encoding._loaded),
        library.Role.ASSISTANT,
    )
    for token in ids:
        theirs.process(token)
    assert [(m.content[0].text, m.channel, m.recipient) for m in theirs.messages] == [
        (m.content, m.channel, m.recipient) for m in written
    ]


@given(st.lists(sampled_messages, min_size=1, max_size=4))
@settings(max_examples=50)
def test_spans_cover_the_stream_and_deltas_spell_the_messages(harmony: Harmony, written: list[Message]) -> None:
    ids = [token for message in written for token in harmony.render(message)][2:]
    updates = parse(harmony, ids)
    spans = [update.span for update in messages(updates)]
    assert spans[0] is not None
    assert spans[0][0] == 0
    assert spans[-1] is not None
    assert spans[-1][1] == len(ids)
    assert all(a is not None and b is not None and a[1] == b[0] for a, b in pairwise(spans))
    assert "".join(u.text for u in updates if isinstance(u, TextDelta)) == "".join(m.content for m in written)


@given(
    st.lists(
        st.one_of(
            st.sampled_from(sorted(SPECIAL.values())),
            st.integers(0, FIRST_SPECIAL + 1000),
            st.sampled_from([35644, 17196, 12606, 815, 316, 28, 220]),
        ),
        max_size=120,
    ).map(lambda ids: [token for token in ids if token < 201088]),
    st.integers(1, 40),
)
@settings(max_examples=300)
def test_any_tokens_parse_without_an_error_and_alike_in_batches(
    harmony: Harmony, vocabulary: Vocabulary, ids: list[int], size: int
) -> None:
    updates = parse(harmony, ids)
    parser = Parser(vocabulary)
    batches = [update for at in range(0, len(ids), size) for update in parser.feed(ids[at : at + size])]
    assert joined(batches + parser.finish()) == joined(updates)
    for update in messages(updates):
        assert update.message.role == "assistant"
        assert update.message.channel in ("analysis", "commentary", "final")
        assert update.span is None or 0 <= update.span[0] < update.span[1] <= len(ids)


@pytest.mark.parametrize(
    ("written", "expected", "problem"),
    [
        ("<|start|>assistant<|channel|>final<|message|>Hi<|return|>", [("final", "Hi")], "started twice"),
        (
            "<|channel|>analysis<|message|>Think<|end|> so <|start|>assistant<|channel|>final<|message|>Hi<|return|>",
            [("analysis", "Think"), ("final", "Hi")],
            "between two messages",
        ),
        ("<|channel|>final<|return|>", [], "inside its header"),
        ("Hello there<|return|>", [("final", "Hello there")], "inside its header"),
        ("<|channel|><|message|>Hi<|return|>", [("final", "Hi")], "valid channel"),
        ("<|message|>Hi<|return|>", [("final", "Hi")], "valid channel"),
        (
            "<|channel|>analysis<|message|>Think<|start|>assistant<|channel|>final<|message|>Hi<|return|>",
            [("analysis", "Think"), ("final", "Hi")],
            "before the one before it",
        ),
        (
            "<|channel|>analysis<|message|>Think<|end|>The answer is 5.<|return|>",
            [("analysis", "Think"), ("final", "The answer is 5.")],
            "without a header",
        ),
        (
            "<|channel|>analysis<|message|>Think<|end|><|channel|>final<|message|>Hi<|return|>",
            [("analysis", "Think"), ("final", "Hi")],
            "not started",
        ),
        ("<|channel|>final<|message|>Hi<|endoftext|>", [("final", "Hi")], "end-of-text"),
        ("<|channel|>final<|message|>A<|message|>B<|return|>", [("final", "AB")], "special token"),
        ("<|channel|>commentary<|message|>{}<|call|>", [("commentary", "{}")], "without being named"),
        (
            "<|channel|>final<|message|>Hi<|end|><|start|>user<|message|>And you?<|return|>",
            [("final", "Hi"), ("commentary", "And you?")],
            "speak as 'user'",
        ),
    ],
)
def test_malformed_output_is_salvaged(
    harmony: Harmony, written: str, expected: list[tuple[str, str]], problem: str
) -> None:
    updates = parse(harmony, tokens(harmony, written))
    assert [(m.message.channel, m.message.content) for m in messages(updates)] == expected
    assert any(problem in found for found in problems(updates)), problems(updates)


def test_a_long_text_without_a_header_is_shown_before_it_ends(harmony: Harmony) -> None:
    parser = Parser(harmony)
    ids = harmony.encode("word " * 100)
    seen = [update for token in ids for update in parser.push(token) if isinstance(update, TextDelta)]
    assert seen
    assert "".join(update.text for update in seen).strip() == ("word " * 100).strip()


@pytest.mark.parametrize(
    ("written", "recipient", "content_type"),
    [
        ("<|channel|>analysis to=python code<|message|>1+1<|call|>", "python", "code"),
        (" to=python<|channel|>analysis<|message|>1+1<|call|>", "python", None),
        ("<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>", "functions.f", "json"),
    ],
)
def test_a_tool_call_names_its_recipient_in_either_place(
    harmony: Harmony, written: str, recipient: str, content_type: str | None
) -> None:
    (parsed,) = messages(parse(harmony, tokens(harmony, written)))
    assert (parsed.message.recipient, parsed.message.content_type) == (recipient, content_type)
    assert parsed.message.is_tool_call
    assert parsed.span is not None


def test_a_cut_stream_leaves_a_partial_message(harmony: Harmony) -> None:
    ids = tokens(harmony, "<|channel|>analysis<|message|>Think<|end|><|start|>assistant<|channel|>final<|message|>Hel")
    updates = parse(harmony, ids)
    last = messages(updates)[-1]
    assert last.partial
    assert last.message.content == "Hel"
    assert last.span == (ids.index(START), len(ids))
    assert messages(parse(harmony, tokens(harmony, "<|channel|>fin"))) == []


def test_characters_split_over_tokens_arrive_whole(harmony: Harmony) -> None:
    text = "日本語 🦊 naïve 👩‍👩‍👧 Ω"
    updates = parse(harmony, tokens(harmony, f"<|channel|>final<|message|>{text}<|return|>"))
    deltas = [update.text for update in updates if isinstance(update, TextDelta)]
    assert "".join(deltas) == text
    assert not any("�" in delta for delta in deltas)
