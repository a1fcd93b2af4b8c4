"""What a line in a chat can go on with."""

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from gptoss.cli.completing import SlashCompleter

COMPLETER = SlashCompleter(
    {"/save": "write it", "/search": "look for it", "/resume": "go on"},
    {"/resume": lambda: ["plain", "two words", "it's"]},
)


def _completed(line: str) -> list[str]:
    """What the line can become."""
    found = COMPLETER.get_completions(Document(line, len(line)), CompleteEvent())
    return [line[: len(line) + each.start_position] + each.text for each in found]


@pytest.mark.parametrize(
    ("line", "completed"),
    [
        ("/s", ["/save", "/search"]),
        ("/resume p", ["/resume plain"]),
        ("/resume tw", ["/resume 'two words'"]),
        ("/resume 'tw", ["/resume 'two words'"]),
        ("/resume i", ["/resume 'it'\"'\"'s'"]),
        ("/think ", ["/think show", "/think hide"]),
        ("a message /s", []),
        ("/save\n/s", []),
    ],
)
def test_commands_and_names(line: str, completed: list[str]) -> None:
    assert _completed(line) == completed


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "our notes").mkdir()
    (tmp_path / "our notes" / "x").touch()
    for name in ("notes.md", "my file", ".hidden"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _completed("/save ") == ["/save 'my file'", "/save notes/", "/save notes.md", "/save 'our notes/"]
    assert _completed("/save .h") == ["/save .hidden"]
    assert _completed("/save ~/no") == ["/save ~/notes/", "/save ~/notes.md"]
    assert _completed("/save ~/our") == ["/save '~/our notes/"]
    assert _completed("/save '~/our notes/") == ["/save '~/our notes/x'"]
    assert _completed(f"/save {tmp_path}/my") == [f"/save '{tmp_path}/my file'"]
    assert _completed("/save nowhere/") == []
