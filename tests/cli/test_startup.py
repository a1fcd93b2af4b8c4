"""What people expect to answer at once does not load what it does not need, and says the same either way."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gptoss.cli.app import parse
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.command import Tools
from gptoss.cli.output import Output
from gptoss.cli.quick import recognise
from tests.cli.conftest import Run, greeting

HEAVY = ("torch", "numpy", "safetensors", "transformers")
FULL = ("typer", "rich", "sqlalchemy", "alembic", "prompt_toolkit", "openai_harmony", "asyncio", "inspect")


def modules_loaded_by(environment: dict[str, str], *arguments: str) -> set[str]:
    """The names of all modules that a command line, over a scripted model, loads."""
    program = (
        "import sys; from gptoss.cli.main import run; from tests.cli.driver import ScriptedAdapters;"
        "code = run(sys.argv[1:], ScriptedAdapters());"
        "print('\\n'.join(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment | {"DRIVER_REPLIES": json.dumps([greeting("Hi.")])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines())


def loaded_by(environment: dict[str, str], *arguments: str) -> set[str]:
    """The names of all packages that a command line loads."""
    program = (
        "import sys; from gptoss.cli.main import run; code = run(sys.argv[1:]);"
        "print('\\n'.join(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()}


def test_a_chat_without_tools_loads_none(environment: dict[str, str]) -> None:
    loaded = modules_loaded_by(environment, "chat", "Hello")
    assert not [name for name in loaded if name.startswith("gptoss.tools")]
    assert not {"jupyter_client", "zmq", "httpcore", "exa_py", "lxml"} & loaded
    loaded = modules_loaded_by(environment, "chat", "-p", "Hello")
    assert "gptoss.tools.python.tool" in loaded
    assert not {"jupyter_client", "zmq", "gptoss.tools.browser.tool", "gptoss.tools.apply_patch.tool"} & loaded, (
        "a kernel is started when it is first called"
    )


def test_a_chat_loads_neither_a_parser_of_options_nor_what_makes_databases(
    environment: dict[str, str], database: Path
) -> None:
    loaded = modules_loaded_by(environment, "chat", "--session", "a", "Hello")
    assert not {"typer", "sqlalchemy", "alembic", "pydantic", "openai_harmony", "asyncio"} & loaded


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions", "list"],
        ["sessions", "show", "a"],
        ["search", "hello"],
        ["gc"],
        ["export", "a", "--format", "md"],
        ["export", "a", "--format", "json"],
        ["replay", "a", "--speed", "0"],
        ["--version"],
        ["chat", "--help"],
    ],
)
def test_no_model_is_loaded_where_none_is_needed(
    environment: dict[str, str], database: Path, arguments: list[str]
) -> None:
    assert not loaded_by(environment, *arguments) & set(HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions", "list"],
        ["sessions", "list", "--json"],
        ["export", "a"],
        ["export", "a", "--format", "json"],
        ["replay", "a", "--speed", "0"],
    ],
)
def test_plain_forms_load_only_what_they_use(environment: dict[str, str], database: Path, arguments: list[str]) -> None:
    assert not loaded_by(environment, *arguments) & set(HEAVY + FULL)


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions", "list"],
        ["sessions", "list", "--json"],
        ["export", "a"],
        ["export", "a", "--format", "md"],
        ["export", "--format", "json", "a"],
        ["export", "a", "--format", "harmony"],
        ["export", "a", "--format", "cast"],
        ["export", "nobody"],
    ],
)
def test_the_full_command_line_says_the_same(gptoss: Run, database: Path, arguments: list[str], tmp_path: Path) -> None:
    """`--db` with the default database is a form that only the full command line understands."""
    assert recognise(arguments) is not None
    longer = [*arguments, "--db", str(tmp_path / "home" / "gptoss.db")]
    assert recognise(longer) is None
    quick, full = gptoss(*arguments), gptoss(*longer)
    assert (quick.returncode, quick.stdout, quick.stderr) == (full.returncode, full.stdout, full.stderr)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sessions", "show", "a"],
        ["sessions", "list", "--help"],
        ["sessions", "list", "extra"],
        ["sessions", "list", "--json", "--json"],
        ["export"],
        ["export", ""],
        ["export", "a", "b"],
        ["export", "--", "a"],
        ["export", "a", "--help"],
        ["export", "a", "--format"],
        ["export", "a", "--format", "pdf"],
        ["export", "a", "-o"],
        ["export", "a", "-o", "-"],
        ["export", "a", "--format=md"],
        ["chat", "--help"],
        ["chat", "--session"],
        ["chat", "--session", "--serve"],
        ["chat", "--session=a"],
        ["chat", "--", "Hello"],
        ["chat", "--temperature", "0"],
        ["chat", "-"],
    ],
)
def test_everything_else_is_left_to_the_full_command_line(arguments: list[str]) -> None:
    assert recognise(arguments) is None


@pytest.mark.parametrize(
    "arguments",
    [
        ["chat"],
        ["chat", "Hello"],
        ["chat", "/tmp", "Hello"],
        ["chat", "--session", "a", "Hello", "-q"],
        ["chat", "--session", "a", "--session", "b"],
        ["chat", "-C", "--serve", "--prompt", "Hello", "--fork", "--take-over"],
        ["chat", "--server", "http://a", "--profile", "p", "--db", "a.db", "--json", "Hello"],
        ["chat", "--backend", "torch", "-r", "high", "--developer-message", "Be brief.", "Hello"],
        ["chat", "--continue", "--reasoning-effort", "medium", "--quiet", "Hello"],
    ],
)
def test_a_chat_is_asked_for_alike_either_way(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    asked: list[object] = []
    monkeypatch.setattr("gptoss.cli.chat.chat", lambda request, *tools: asked.append(request) or 0)
    monkeypatch.setattr("gptoss.cli.request.piped_text", lambda: None)
    for command in (recognise(arguments), parse(arguments)):
        adapters = Adapters(lambda text: None)
        assert command is not None
        assert command(Tools(adapters, Output.silent(), Output.silent())) == 0
        asked.append((adapters.profile, adapters.vllm))
    assert asked[:2] == asked[2:]
