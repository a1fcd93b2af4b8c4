"""The Markdown keeps its shape whatever a model wrote."""

from pathlib import Path

from msgspec.structs import replace

from gptoss.engine.harmony import Harmony
from gptoss.engine.settings import Settings
from gptoss.transcripts.document import About, Called, Document, Line, Made, Note, document
from gptoss.transcripts.markdown import to_markdown
from tests.recorded import ANSWER, Recording

TIME = "2026-01-02T03:04:05.000000Z"
EMPTY = Document(
    session=About(id="1", name="a *b*", started=TIME, updated=TIME, head=9, turns=1),
    settings=Settings(start_date="2026-01-02"),
    messages=(),
    generations=(),
    tool_calls=(),
    notes=(),
)


def line(seq: int, role: str, content: str, **rest: object) -> Line:
    return Line(seq=seq, turn=1, time=TIME, role=role, content=content, **rest)  # type: ignore[arg-type]


def test_a_whole_session() -> None:
    found = replace(
        EMPTY,
        settings=Settings(start_date="2026-01-02", developer_message="Be brief.\nBe kind."),
        messages=(
            line(2, "user", "Add these:\n\n- 1\n- 1"),
            line(4, "assistant", "I call python.", channel="analysis"),
            line(5, "assistant", "print(1 + 1)", channel="analysis", recipient="python"),
            line(7, "tool", "2", channel="analysis", name="python", recipient="assistant"),
            line(9, "assistant", "It is 2.", channel="final"),
        ),
        tool_calls=(Called(seq=6, time=TIME, message=5, recipient="python", outcome="ok"),),
        notes=(Note(seq=8, time=TIME, kind="ParseRecovered", text="something was repaired"),),
    )
    assert to_markdown(found) == (Path(__file__).parent / "session.md").read_text(encoding="utf-8")


def test_an_answer_that_was_cut_off_says_so_and_closes_its_code_block() -> None:
    answer = line(4, "assistant", "Look:\n\n```python\nprint(1", channel="final", generation=3, partial=True)
    made = Made(seq=3, time=TIME, backend="torch", model="m", sampling={}, prompt_tokens=9, reason="interrupted")  # type: ignore[arg-type]
    text = to_markdown(replace(EMPTY, messages=(answer,), generations=(made,)))
    assert text.endswith("```python\nprint(1\n```\n\n*(The user stopped the answer here.)*\n")


def test_a_code_block_that_is_closed_stays_as_it_is() -> None:
    for content in ("```\nx\n```", "~~~~\n```\n~~~~", "````\n```\n````", "a ``` b", "``` a`b"):
        text = to_markdown(replace(EMPTY, messages=(line(4, "assistant", content, channel="final"),)))
        assert text.endswith(f"\n\n{content}\n")


def test_a_tools_result_cannot_leave_its_code_block() -> None:
    text = to_markdown(replace(EMPTY, messages=(line(4, "tool", "```\n# Title", name="python"),)))
    assert text.endswith("````\n```\n# Title\n````\n")


def test_an_engine_recorded_session(harmony: Harmony) -> None:
    recording = Recording(harmony, [ANSWER])
    conversation = recording.open()
    list(conversation.say("Hello"))
    conversation.close()
    text = to_markdown(document(recording.log.read(recording.session.branch)))
    assert "> Hello\n" in text
    assert "> The user greets.\n" in text
    assert text.endswith("**Assistant**\n\nHello there!\n")
