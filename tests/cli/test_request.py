"""What the words of `gptoss chat` mean."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from gptoss.cli.request import ChatRequest, joined, positionals
from gptoss.cli.tooling import ToolOptions
from gptoss.engine.errors import CheckpointError, UsageError
from gptoss.engine.settings import Sampling, Settings, ToolSpec

SPECS = {name: ToolSpec(name=name) for name in ("browser", "python", "apply_patch")}
SETTINGS = Settings(start_date="2026-01-02", reasoning_effort="high", checkpoint="/own")


def test_the_first_word_is_a_checkpoint_when_it_exists(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert positionals([]) == (None, None)
    assert positionals([folder]) == (tmp_path, None)
    assert positionals([folder, "Hello"]) == (tmp_path, "Hello")
    assert positionals(["Hello"]) == (None, "Hello")
    assert positionals(["What is 3/4 of 8?"]) == (None, "What is 3/4 of 8?")
    assert positionals([""]) == (None, "")
    assert positionals(["x" * 100_000]) == (None, "x" * 100_000)


@pytest.mark.parametrize("word", ["models/20b", "./20b", "/nowhere", "20b.safetensors", "~/models"])
def test_a_word_that_looks_like_a_path_is_no_prompt(word: str) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint at"):
        positionals([word])


def test_an_unquoted_prompt_is_explained() -> None:
    with pytest.raises(UsageError, match="quotes"):
        positionals(["Tell", "me"])
    with pytest.raises(UsageError, match="quotes"):
        positionals(["Tell", "me", "more"])


def test_piped_text_stands_below_the_prompt() -> None:
    assert joined("review this", "+ a\n- b") == "review this\n\n+ a\n- b"
    assert joined(None, "only this") == "only this"
    assert joined("only that", None) == "only that"
    assert joined("only that", "") == "only that"
    assert joined(None, " \n") is None
    with pytest.raises(UsageError, match="empty"):
        joined("", None)


def specs() -> dict[str, ToolSpec]:
    return SPECS


def test_a_session_keeps_its_tools_until_they_are_taken_from_it() -> None:
    def tools(before: Settings, **changes: bool) -> list[str]:
        after = ChatRequest(tools=changes).settings(before, None, specs)
        return [tool.name for tool in after.tools]

    assert tools(SETTINGS) == []
    assert tools(SETTINGS, apply_patch=True, python=True) == ["python", "apply_patch"]
    older = (ToolSpec(name="python"), ToolSpec(name="later"), ToolSpec(name="apply_patch", instructions="of then"))
    resumed = replace(SETTINGS, tools=older)
    assert ChatRequest().settings(resumed, None, specs).tools == older
    assert tools(resumed, browser=True) == ["browser", "python", "apply_patch", "later"]
    assert tools(resumed, python=False, browser=False) == ["apply_patch", "later"]
    kept = ChatRequest(tools={"python": False}).settings(resumed, None, specs).tools
    assert kept[0].instructions == "of then", "what the model was told at first holds until it is told again"


def test_how_tools_run_is_checked(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for options in (
        ToolOptions(workspace=tmp_path / "none"),
        ToolOptions(workspace=tmp_path / "file"),
        ToolOptions(python_backend="jail"),
    ):
        with pytest.raises(UsageError, match=r"needs a folder|bubblewrap, docker, unsafe-local"):
            ChatRequest(tool_options=options).check()
    ChatRequest(tool_options=ToolOptions(workspace=tmp_path, python_backend="docker")).check()


def test_what_is_given_replaces_what_the_session_has() -> None:
    assert ChatRequest().settings(SETTINGS, "/own", specs) == SETTINGS
    changed = ChatRequest(reasoning_effort="low", context=100, developer_message="").settings(SETTINGS, None, specs)
    assert changed == Settings(start_date="2026-01-02", context=100, developer_message="")
    assert ChatRequest(top_p=0.5).sampling(Sampling(temperature=0.7)) == Sampling(temperature=0.7, top_p=0.5)
    assert ChatRequest(temperature=0.0).sampling(Sampling()) == Sampling(temperature=0.0)


@pytest.mark.parametrize(
    "request_",
    [
        ChatRequest(temperature=-0.1),
        ChatRequest(temperature=float("nan")),
        ChatRequest(top_p=1.5),
        ChatRequest(seed=-1),
        ChatRequest(seed=2**63),
        ChatRequest(max_tokens=0),
        ChatRequest(context=0),
        ChatRequest(context_policy="forget"),  # type: ignore[arg-type]
        ChatRequest(reasoning_effort="extreme"),  # type: ignore[arg-type]
        ChatRequest(prompt="\udcff"),
        ChatRequest(session="a\nb"),
    ],
)
def test_values_that_cannot_be_are_refused(request_: ChatRequest) -> None:
    with pytest.raises(UsageError):
        request_.check()
