"""What a model computed for a session waits for the next process, within bounds, and goes when the session does."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect
import pytest
from msgspec.structs import replace

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.conversing import Chat
from gptoss.cli.request import ChatRequest
from gptoss.cli.shelf import FOLDER, Shelf
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.foresight import next_prefix
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import TokenGenerator
from tests.cli.terminals import leave, say
from tests.engine.harmony_text import tokens
from tests.engine.test_conversation import ANSWER


class Writer(ScriptedGenerator):
    """Keeps the tokens themselves, in a byte each."""

    def store(self, ids: Sequence[int], file: Path, most: int) -> int:
        file.write_bytes(bytes(ids))
        return len(ids)

    def recall(self, ids: Sequence[int], file: Path) -> int:
        self.found = file.read_bytes()
        return len(self.found)

    found = b""


class Broken(ScriptedGenerator):
    def store(self, ids: Sequence[int], file: Path, most: int) -> int:
        raise OSError("no space left")

    def recall(self, ids: Sequence[int], file: Path) -> int:
        raise GenerationFailed("the memory is full")


def test_a_session_finds_its_own(tmp_path: Path) -> None:
    shelf, generator = Shelf(tmp_path / FOLDER, 100), Writer()
    hostile = "../../" + "x" * 300
    for number, session in enumerate(("a", "b", hostile)):
        shelf.store(generator, session, [number] * 9)
    for number, session in enumerate(("a", "b", hostile)):
        shelf.recall(generator, session, [1])
        assert generator.found == bytes([number] * 9)
    assert (tmp_path / FOLDER).stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == [tmp_path / FOLDER]
    shelf.forget("a")
    shelf.forget("a")
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    for file in list((tmp_path / FOLDER).iterdir()):
        file.with_suffix(".123").touch()  # somebody is writing it, or was killed while writing
    shelf.forget("b")
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    (tmp_path / FOLDER / "0").mkdir()  # not ours
    shelf.clear()
    assert list((tmp_path / FOLDER).iterdir()) == [tmp_path / FOLDER / "0"]
    Shelf(tmp_path / "none", 100).clear()


def test_what_was_used_longest_ago_makes_room(tmp_path: Path) -> None:
    shelf, generator = Shelf(tmp_path, 30), Writer()
    for number, session in enumerate("abcd"):
        before = set(tmp_path.iterdir())
        shelf.store(generator, session, [number] * 10)
        for file in set(tmp_path.iterdir()) - before:
            os.utime(file, (number, number))
    assert sorted(file.read_bytes()[0] for file in tmp_path.iterdir()) == [1, 2, 3]


def test_nothing_is_kept_where_none_is_wanted_or_none_can_be(tmp_path: Path) -> None:
    Shelf(tmp_path, 0).store(Writer(), "a", [1])
    Shelf(tmp_path, 9).store(Writer(), "a", [])
    Shelf(tmp_path, 9).store(Broken(), "a", [1])
    assert list(tmp_path.iterdir()) == []
    Shelf(tmp_path, 9).recall(Broken(), "a", [1])
    (tmp_path / "file").touch()
    Shelf(tmp_path / "file" / "folder", 9).store(Writer(), "a", [1])


class Remembering(ScriptedGenerator):
    """Remembers what it was to keep."""

    stored: Sequence[int] = ()

    def store(self, ids: Sequence[int], file: Path, most: int) -> int:
        self.stored = ids
        return 0


class Here(Adapters):
    def __init__(self, harmony: Harmony) -> None:
        super().__init__()
        self._vocabulary = harmony
        self.model = Remembering([tokens(harmony, ANSWER)])

    def harmony(self) -> Harmony:
        return self._vocabulary

    def generator(self, checkpoint: str | None, backend: str) -> TokenGenerator:
        return self.model


def test_what_waits_is_what_whoever_comes_back_will_find(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, harmony: Harmony
) -> None:
    """Settings that no turn was begun with are not recorded. Nothing waits for whoever leaves by Ctrl-C."""
    monkeypatch.setenv("GPTOSS_HOME", environment["GPTOSS_HOME"])
    adapters = Here(harmony)
    with Chat(ChatRequest(session="a"), adapters, lambda: False) as chat:
        list(chat.conversation().say("Hello"))
        chat.change(replace(chat.settings, reasoning_effort="high"))
        state = chat.state
    assert state is not None
    assert adapters.model.stored == next_prefix(state, harmony, 8192)
    adapters = Here(harmony)
    with pytest.raises(KeyboardInterrupt):
        interrupted(ChatRequest(session="a"), adapters)
    assert adapters.model.stored == ()


def interrupted(request: ChatRequest, adapters: Adapters) -> None:
    with Chat(request, adapters, lambda: False) as chat:
        chat.conversation()
        raise KeyboardInterrupt


@pytest.fixture
def home(environment: dict[str, str], embedded: Path) -> Path:
    folder = Path(environment["GPTOSS_HOME"])
    (folder / "cache").mkdir(parents=True)
    for found in embedded.iterdir():
        (folder / "cache" / found.name).symlink_to(found)
    return folder


def test_another_process_need_not_compute_a_session_again(environment: dict[str, str], home: Path) -> None:
    def gptoss(*arguments: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "gptoss", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,  # eight tokens are no answer
        ).stdout

    def computed(text: str, *options: str) -> tuple[int, int]:
        """Tokens of the prompt, and how many of them were computed."""
        lines = gptoss("chat", "--session", "a", "--json", "--max-tokens", "8", *options, text).splitlines()
        told = [json.loads(line) for line in lines]
        parts = [each for each in told if each["type"] == "prefilled"]
        return parts[-1]["total"], sum(each["tokens"] for each in parts)

    def files() -> list[Path]:
        return list((home / "cache" / FOLDER).iterdir())

    whole, first = computed("So it goes. " * 350)
    assert first == whole > 1024
    (file,) = files()
    assert file.stat().st_mode & 0o777 == 0o600
    whole, second = computed("Hello!")
    assert second < 64
    whole, cold = computed("Hello!", "--kv-cache", "0")
    assert cold == whole
    gptoss("redact", "a", "--at", "2", "--yes")
    assert files() == []
    computed("So it goes. " * 350)
    (file,) = files()
    os.utime(file, (1, 1))
    child = pexpect.spawn(
        sys.executable,
        ["-m", "gptoss", "chat", "--session", "a"],
        env=environment | {"PROMPT_TOOLKIT_NO_CPR": "1"},
        encoding="utf-8",
        timeout=300,
    )
    say(child, "/rename b")  # whoever leaves after a command has been there, too
    leave(child)
    assert file.stat().st_mtime > 1
    gptoss("sessions", "delete", "b", "--yes")
    assert files() == []
