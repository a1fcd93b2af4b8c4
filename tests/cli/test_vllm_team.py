"""A team: several chats on one vLLM server, their log on PostgreSQL; run where vLLM is, see `make test-vllm`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.vllm.options import VllmOptions, VllmRequest
from gptoss.backends.vllm.server import ServerGenerator
from gptoss.backends.vllm.serving import ServerRecord, find_or_start, servers, stop
from gptoss.backends.vllm.transport import HttpServer
from gptoss.engine.events import GenerationFinished, TokensSampled
from gptoss.engine.settings import Sampling
from gptoss.storage.opening import open_for_reading
from tests.contracts.token_generator import ids_of, never, prefilled_of
from tests.storage.servers import Server, programs, server

pytest.importorskip("vllm")

BLOCK = 32
"""Tokens that vLLM's cache holds together on a CPU."""

NAMES = ("Ada", "Ben", "Carla", "David")


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed: no pg_ctl")
    with server(where) as running:
        running.run("CREATE DATABASE team")
        yield running


class Team:
    """One vLLM server with the embedded model, one database, and people whose machines have neither."""

    def __init__(self, folder: Path, cache: Path, database: str, environment: dict[str, str]) -> None:
        self.folder, self.database, self._environment = folder, database, environment
        self.checkpoint = materialise(cache)
        self.options: VllmOptions = VllmRequest(serve=True).options(cache, folder / "logs", environment={})

    @property
    def server(self) -> ServerRecord:
        (record,) = servers(self.options)
        return record

    def start(self) -> None:
        find_or_start(self.checkpoint, self.options)

    def command(self, who: str, *words: str) -> tuple[list[str], dict[str, str]]:
        record = self.server
        home = {"GPTOSS_HOME": str(self.folder / who), "VLLM_API_KEY": record.key}
        shared = ("--session", who, "--server", record.url, "--db", self.database, "--temperature", "0")
        return [sys.executable, "-m", "gptoss", "chat", *shared, *words], self._environment | home

    def ask(self, who: str, *words: str) -> str:
        command, environment = self.command(who, *words)
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sampled(self, who: str) -> list[int]:
        """All tokens that were sampled in a session; none if there is no such session yet."""
        with closing(open_for_reading(self.database)) as reader:
            branches = [session.branch for session in reader.sessions() if session.name == who]
            events = [stored.event for branch in branches for stored in reader.read(branch)]
        return [token for event in events if isinstance(event, TokensSampled) for token in event.ids]

    def prefilled(self, who: str) -> list[int | None]:
        """How many tokens of the prompt the server computed for each finished answer of a session."""
        with closing(open_for_reading(self.database)) as reader:
            events = [stored.event for stored in reader.read(reader.session(who).branch)]
        return [event.prefilled for event in events if isinstance(event, GenerationFinished)]


@pytest.fixture(scope="module")
def team(
    tmp_path_factory: pytest.TempPathFactory, embedded: Path, postgres: Server, clean: dict[str, str]
) -> Iterator[Team]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
        team = Team(tmp_path_factory.mktemp("team"), embedded, postgres.url("team"), clean)
        team.start()
        yield team
        for record in servers(team.options):
            stop(record)


def test_all_at_once_and_each_is_remembered(team: Team) -> None:
    with ThreadPoolExecutor(len(NAMES)) as pool:
        list(pool.map(lambda name: team.ask(name, f"My name is {name}."), NAMES))
        answers = dict(zip(NAMES, pool.map(lambda name: team.ask(name, "What is my name?"), NAMES), strict=True))
    assert all(name in answer for name, answer in answers.items())
    for name in NAMES:
        first, second = team.prefilled(name)
        assert first is not None
        assert second is not None
        assert second < 64, "another process, but the server still has what it computed for this session"


def test_tools_are_called_from_here(team: Team) -> None:
    workspace = team.folder / "workspace"
    workspace.mkdir()
    options = ("-a", "--workspace", str(workspace))
    team.ask("tools", *options, "Create notes.txt with the lines milk and eggs.")
    team.ask("tools", *options, "In notes.txt replace milk with bread.")
    assert (workspace / "notes.txt").read_text() == "bread\neggs\n"


def test_a_wrong_key_is_told(team: Team) -> None:
    command, environment = team.command("nobody", "Hello")
    wrong = environment | {"VLLM_API_KEY": "wrong"}
    done = subprocess.run(command, env=wrong, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "does not accept the key: set VLLM_API_KEY" in done.stderr


def test_a_turn_on_4000_tokens_computes_the_new_ones(team: Team) -> None:
    generator = ServerGenerator(HttpServer(team.server.url, team.server.key))
    prompt = [1000 + 7 * number for number in range(4000)]
    greedy = Sampling(temperature=0.0, max_tokens=5)
    first = list(generator.generate(prompt, greedy, frozenset(), never))
    second = list(generator.generate([*prompt, *ids_of(first), *range(20)], greedy, frozenset(), never))
    assert prefilled_of(first) == 4000
    # What it sampled last was never a prompt, and an unfinished block is computed again.
    assert prefilled_of(second) in range(20, 20 + 5 + BLOCK + 1)


def test_a_server_that_dies_in_an_answer_costs_nothing(team: Team) -> None:
    """What was said is in the log on PostgreSQL; another server goes on with the very next token."""
    question = ("-r", "high", "What can you do?")
    team.ask("calm", *question)
    command, environment = team.command("cut", *question)
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + 120
    while not team.sampled("cut") and time.monotonic() < end:
        time.sleep(0.02)
    os.killpg(team.server.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "the server" in said
    before = team.sampled("cut")
    assert 0 < len(before) < len(team.sampled("calm"))
    team.start()
    team.ask("cut")
    assert team.sampled("cut")[: len(before)] == before
    assert team.sampled("cut") == team.sampled("calm")
