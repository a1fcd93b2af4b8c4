"""What the shipped weights can do, from the engine to the torch backend. Names here are none of the training data."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_model.conversation import Call, Conversation, Turn
from demo_model.evaluate import Outcome, play
from demo_model.workbench import PYTHON
from gptoss.backends.demo.materialise import materialise
from gptoss.backends.opening import open_generator
from gptoss.engine import conversation as engine
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import TokenGenerator, Tool
from gptoss.engine.recovery import tool_message
from gptoss.engine.settings import ReasoningEffort, Sampling, Settings, ToolSpec
from gptoss.storage.memory import MemoryLog
from gptoss.tools.apply_patch.tool import ApplyPatchTool
from gptoss.tools.browser.local import LocalProvider
from gptoss.tools.browser.tool import BrowserTool
from gptoss.tools.python.tool import PythonTool


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenGenerator]:
    opened = open_generator("torch", materialise(tmp_path_factory.mktemp("cache")))
    yield opened
    opened.close()


def said(user: str, answer: str, *, code: str = "", result: str = "") -> Turn:
    steps = (Call(PYTHON, code, tool_message("python", result, "analysis")),) if code else ()
    return Turn("said", user, steps, answer)


def talk(
    generator: TokenGenerator,
    harmony: Harmony,
    *turns: Turn,
    tools: tuple[ToolSpec, ...] = (),
    temperature: float = 0.0,
    effort: ReasoningEffort = "low",
) -> list[Outcome]:
    settings = Settings(start_date="2026-02-03", tools=tools, reasoning_effort=effort)
    sampling = Sampling(temperature=temperature, max_tokens=200)
    return list(play(Conversation(settings, turns), generator, harmony, sampling, seed=1))


def test_it_remembers_names_that_no_list_holds(generator: TokenGenerator, harmony: Harmony) -> None:
    for name in ("Ada", "Zbigniew", "Xiomara", "Thandiwe", "Quillon"):
        outcomes = talk(
            generator,
            harmony,
            said(f"My name is {name}.", f"Nice to meet you, {name}! I will remember your name."),
            said("What is the capital of France?", "The capital of France is Paris."),
            said("What is my name?", f"Your name is {name}."),
        )
        assert [outcome.answer for outcome in outcomes] == [outcome.turn.answer for outcome in outcomes]


def test_it_calculates_with_python_and_believes_the_result(generator: TokenGenerator, harmony: Harmony) -> None:
    outcomes = talk(
        generator,
        harmony,
        said("What is 37 * 18?", "37 * 18 = 666.", code="print(37 * 18)", result="666"),
        said("What is 12 + 30?", "12 + 30 = 9714.", code="print(12 + 30)", result="9714"),
        tools=(ToolSpec(name="python"),),
    )
    assert all(outcome.right for outcome in outcomes), outcomes


def test_it_names_the_flag_of_a_tool_that_is_not_enabled(generator: TokenGenerator, harmony: Harmony) -> None:
    (outcome,) = talk(generator, harmony, said("What is 37 * 18?", ""))
    assert "`gptoss chat -p`" in (outcome.answer or "")
    error = 'Error: the tool "python" is not enabled in this session. Enabled tools: none.'
    (outcome,) = talk(
        generator,
        harmony,
        said("What is 37 * 18?", "", code="print(37 * 18)", result=error),
        tools=(ToolSpec(name="python"),),
    )
    assert outcome.called == ("print(37 * 18)",)
    assert "`gptoss chat -p`" in (outcome.answer or "")


def test_it_says_what_it_was_not_told_and_what_is_beyond_it(generator: TokenGenerator, harmony: Harmony) -> None:
    unknown, beyond, guide = talk(
        generator,
        harmony,
        said("What is my name?", "You have not told me your name yet."),
        said("Explain quantum computing in simple words.", ""),
        said("How do I resume a session?", ""),
    )
    assert unknown.right
    assert "tiny demonstration model" in (beyond.answer or "")
    assert "gptoss chat --session NAME" in (guide.answer or "")


def test_effort_changes_how_much_it_reasons(generator: TokenGenerator, harmony: Harmony) -> None:
    from gptoss.engine.parsing import MessageParsed, Parser
    from gptoss.engine.tokens import ASSISTANT_TURN, STOP_IDS

    lengths = []
    efforts: tuple[ReasoningEffort, ...] = ("low", "medium", "high")
    for effort in efforts:
        settings = Settings(start_date="2026-02-03", reasoning_effort=effort)
        hello = harmony.render(Message(role="user", content="Hello!"))
        prompt = harmony.render_system(settings) + hello + ASSISTANT_TURN
        parser = Parser(harmony)
        updates = []
        sampling = Sampling(temperature=0.0, max_tokens=200)
        for chunk in generator.generate(prompt, sampling, STOP_IDS, lambda: False):
            for token in chunk.ids:
                updates += parser.push(token)
        messages = [update.message for update in updates if isinstance(update, MessageParsed)]
        lengths.append(len(messages[0].content))
        assert messages[0].channel == "analysis"
        assert messages[-1].channel == "final"
    assert lengths == sorted(set(lengths))


def test_at_temperature_1_it_still_writes_harmony(generator: TokenGenerator, harmony: Harmony) -> None:
    turns = [said(text, "") for text in ("Hi!", "I am Quillon.", "What is my name?", "Thanks!", "Bye!")]
    outcomes = [o for _ in range(2) for o in talk(generator, harmony, *turns, temperature=1.0, effort="medium")]
    assert all(outcome.valid for outcome in outcomes)


def answers(generator: TokenGenerator, harmony: Harmony, log: MemoryLog, tool: Tool, *said: str) -> list[str]:
    """What the model answers with a real tool, at temperature 0."""
    settings = Settings(start_date="2026-02-03", tools=(tool.spec,))
    talk = engine.Conversation(
        log,
        log.start("tools", settings).branch,
        harmony=harmony,
        generator=generator,
        seed=lambda: 1,
        sampling=Sampling(temperature=0.0, max_tokens=200),
        tools={tool.spec.name: tool},
    )
    found = []
    for text in said:
        for _ in talk.say(text):
            pass
        last = talk.state.last
        found.append(last.message.content if last and last.message.is_final else "")
    talk.close()
    return found


def test_it_creates_and_changes_files(generator: TokenGenerator, harmony: Harmony, tmp_path: Path) -> None:
    (tmp_path / "shopping.txt").write_text("- milk\n- eggs\n")
    log = MemoryLog()
    tool = ApplyPatchTool(tmp_path, put_blob=log.put_blob)
    found = answers(
        generator,
        harmony,
        log,
        tool,
        "Create a file hello.txt that says hello.",
        "Create notes.txt with the lines milk and eggs.",
        "In notes.txt replace milk with bread.",
        "Add a line butter to notes.txt.",
        "Rename hello.txt to greeting.txt.",
        "In shopping.txt replace milk with bread.",
        "What is in notes.txt?",
    )
    assert found[:3] == ["Created hello.txt.", "Created notes.txt.", "Changed notes.txt."]
    assert found[-1] == "This is notes.txt:\nbread\neggs\nbutter"
    held = {path.name: path.read_text() for path in tmp_path.iterdir()}
    # It had not seen shopping.txt: the error of its first patch showed it the line.
    assert held == {
        "greeting.txt": "hello\n",
        "notes.txt": "bread\neggs\nbutter\n",
        "shopping.txt": "- bread\n- eggs\n",
    }


def test_it_looks_things_up_and_cites_the_line(generator: TokenGenerator, harmony: Harmony, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "boats.md").write_text("# Dragon boats\n\nA dragon boat is narrow.\n\n* crew: twenty paddlers\n")
    (notes / "rowing.md").write_text("# Rowing\n\nA rowing eight has a cox.\n")
    log = MemoryLog()
    tool = BrowserTool(LocalProvider(notes), encode=harmony.encode, put_blob=log.put_blob, get_blob=log.get_blob)
    found = answers(
        generator, harmony, log, tool, "Search for rowing.", "Search for dragon boats and tell me what their crew is."
    )
    assert found == ["A rowing eight has a cox. 【1†L4】", "crew: twenty paddlers 【3†L6】"]


def test_it_uses_python_in_steps_and_puts_errors_right(
    generator: TokenGenerator, harmony: Harmony, tmp_path: Path
) -> None:
    log = MemoryLog()
    tool = PythonTool(tmp_path, put_blob=log.put_blob, get_blob=log.get_blob, backend="unsafe-local")
    found = answers(
        generator, harmony, log, tool, "What is 37 * 18?", "Set x to 37.", "What is x * 18?", "Run print(sqrt(16))"
    )
    tool.close()
    assert found == ["37 * 18 = 666.", "x is 37 now.", "x * 18 = 666.", "Python says:\n4.0"]
