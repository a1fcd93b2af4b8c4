"""One message at a time: the same tokens, whichever library of the name openai_harmony is installed."""

import subprocess
import sys
from hashlib import blake2b
from itertools import combinations, product
from pathlib import Path

import msgspec
import openai_harmony as library
import pytest

from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message, Role
from gptoss.engine.settings import Settings, ToolSpec

AUTHORS: list[tuple[Role, str | None]] = [
    ("user", None),
    ("assistant", None),
    ("developer", None),
    ("tool", "python"),
    ("tool", "functions.apply_patch"),
]
CHANNELS = (None, "analysis", "commentary", "final")
RECIPIENTS = (None, "all", "assistant", "python", "functions.apply_patch")
CONTENT_TYPES = (None, "json", "code")

PARAMETERS = (
    '{"type":"object","properties":{"a":{"type":"string","description":"x"},"b":{"type":"integer","default":3},'
    '"c":{"enum":["x","y"]},"d":{"type":"array","items":{"type":"number"}}},"required":["a"]}'
)
TOOLS = (
    ToolSpec(name="python"),
    ToolSpec(name="browser"),
    ToolSpec(name="apply_patch", description="Patch\nfiles", parameters=PARAMETERS, instructions="Use it."),
    ToolSpec(name="bare", description="Nothing"),
)


def message(author: tuple[Role, str | None], channel: str | None, recipient: str | None, kind: str | None) -> Message:
    role, name = author
    return Message(role=role, name=name, channel=channel, recipient=recipient, content_type=kind, content="Hi <|end|>")


@pytest.mark.parametrize("kind", [None, "json"])
@pytest.mark.parametrize("author", AUTHORS)
def test_headers_are_those_of_the_library(harmony: Harmony, author: tuple[Role, str | None], kind: str | None) -> None:
    """In all that both libraries agree on: no recipient on commentary, no unconstrained content type."""
    for channel, recipient in product(CHANNELS, RECIPIENTS):
        if channel == "commentary" and recipient not in (None, "all"):
            continue
        theirs = library.Message(
            author=library.Author(role=library.Role(author[0]), name=author[1]),
            content=[library.TextContent(text="Hi <|end|>")],
            channel=channel,
            recipient=recipient,
            content_type=f"<|constrain|>{kind}" if kind else None,
        )
        assert list(harmony.render(message(author, channel, recipient, kind))) == library.HarmonyEncoding(
            harmony._encoding._loaded
        ).render(theirs)


def test_all_headers_are_those_of_openai_harmony(harmony: Harmony) -> None:
    """The digest is that of what openai-harmony 0.0.8 renders for them."""
    rendered = [harmony.render(message(*parts)) for parts in product(AUTHORS, CHANNELS, RECIPIENTS, CONTENT_TYPES)]
    assert blake2b(msgspec.json.encode(rendered), digest_size=8).hexdigest() == "ef4870814aa6dfa7"


def test_system_and_developer_messages_are_those_of_openai_harmony(harmony: Harmony) -> None:
    rendered = []
    for count, effort, developer in product(range(5), ("low", "medium", "high"), (None, "Be nice.")):
        for tools in combinations(TOOLS, count):
            settings = Settings(
                start_date="2026-01-02", reasoning_effort=effort, developer_message=developer, tools=tools
            )
            rendered.append((harmony.render_system(settings), harmony.render_developer(settings)))
    assert blake2b(msgspec.json.encode(rendered), digest_size=8).hexdigest() == "c79efd9a3b5620da"


def test_the_whole_library_can_be_loaded_afterwards(tmp_path: Path) -> None:
    """In one process, as vLLM does it: the compiled half is the same one then."""
    program = """if True:
        import sys
        from pathlib import Path
        from gptoss.engine.harmony import Harmony
        harmony = Harmony.load(Path(sys.argv[1]))
        assert not {"openai_harmony", "pydantic"} & set(sys.modules)
        import openai_harmony as library
        encoding = library.HarmonyEncoding(harmony._encoding._loaded)
        assert isinstance(encoding._inner, library._PyHarmonyEncoding)
        theirs = library.Message.from_role_and_content(library.Role.USER, "Hi")
        assert encoding.decode(encoding.render(theirs)) == "<|start|>user<|message|>Hi<|end|>"
    """
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)


def test_tokens_have_the_same_bytes(harmony: Harmony) -> None:
    rows = b"".join(harmony.token_bytes(token) + b"|" for token in range(0, 199_998, 5))
    assert blake2b(rows, digest_size=8).hexdigest() == "057565c65e14ff06"
