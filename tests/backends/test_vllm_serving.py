"""A real vLLM server that gptoss starts, finds again and stops; run where vLLM is installed, see `make test-vllm`."""

import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gptoss.backends.vllm.options import VllmOptions, VllmRequest
from gptoss.backends.vllm.server import ServerGenerator
from gptoss.backends.vllm.serving import find_or_start, group, servers, stop
from gptoss.engine.errors import BackendError
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling
from tests.backends.checkpoints import Geometry, random_weights, save_original
from tests.contracts.token_generator import NO_STOP, SEEDED, TokenGeneratorContract, ids_of, never

pytest.importorskip("vllm")

ARGUMENTS = ("dtype=float32", "kv-cache-memory-bytes=200000000")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    geometry = Geometry(head_dim=64, factor=8.0)
    return save_original(random_weights(geometry), tmp_path_factory.mktemp("tiny") / "original")


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> VllmOptions:
    home = tmp_path_factory.mktemp("home")
    return VllmRequest(arguments=ARGUMENTS, serve=True).options(home / "cache", home / "logs", environment={})


@pytest.fixture(scope="module")
def server(checkpoint: Path, options: VllmOptions) -> Iterator[ServerGenerator]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_SERVER_DEV_MODE", "1")  # for emptying its cache
        generator = ServerGenerator(find_or_start(checkpoint, options))
    yield generator
    for record in servers(options):
        stop(record)


def ask(options: VllmOptions, method: str, path: str) -> str:
    (record,) = servers(options)
    request = urllib.request.Request(
        record.url + path, method=method, headers={"Authorization": f"Bearer {record.key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        text: str = response.read().decode()
        return text


def busy(options: VllmOptions) -> float:
    """How many requests the engine computes, as it says itself."""
    found = re.search(r"^vllm:num_requests_running\{.*\} (\S+)$", ask(options, "GET", "/metrics"), re.MULTILINE)
    assert found is not None
    return float(found[1])


class TestServer(TokenGeneratorContract):
    block = 32
    tells_late = True
    prefills = False

    @pytest.fixture(autouse=True)
    def _server(self, server: ServerGenerator, options: VllmOptions) -> None:
        self.server, self.options = server, options

    def open(self) -> TokenGenerator:
        ask(self.options, "POST", "/reset_prefix_cache")
        return self.server


def test_it_is_found_again(server: ServerGenerator, checkpoint: Path, options: VllmOptions) -> None:
    begun = time.monotonic()
    again = ServerGenerator(find_or_start(checkpoint, options))
    assert again.fingerprint == server.fingerprint
    assert len(servers(options)) == 1
    assert time.monotonic() - begun < 10, "it was not started once more"


def test_a_cancelled_answer_leaves_it_idle_within_a_second(server: ServerGenerator, options: VllmOptions) -> None:
    kept: list[int] = []
    sampling = Sampling(temperature=0.0, max_tokens=900)
    for chunk in server.generate(TestServer.prompt, sampling, NO_STOP, lambda: len(kept) >= 3):
        kept.extend(chunk.ids)
    end = time.monotonic() + 1
    while busy(options) and time.monotonic() < end:
        time.sleep(0.02)
    assert busy(options) == 0


def test_twenty_at_once(server: ServerGenerator) -> None:
    def answer(number: int) -> list[int]:
        sampling = Sampling(temperature=1.0, seed=number, max_tokens=12)
        return ids_of(list(server.generate([*TestServer.prompt, 3 + number], sampling, NO_STOP, never)))

    alone = [answer(number) for number in range(20)]
    together: dict[int, list[int]] = {}
    threads = [
        threading.Thread(target=lambda number=number: together.update({number: answer(number)}))  # type: ignore[misc]
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[number] for number in range(20)] == alone


def test_a_server_that_cannot_start_says_why(checkpoint: Path, options: VllmOptions) -> None:
    wrong = VllmRequest(arguments=("max-model-len=1000000",), serve=True).options(
        options.cache, options.logs, environment={}
    )
    with pytest.raises(BackendError, match=r"could not start \(.*max_model_len"):
        find_or_start(checkpoint, wrong)


def test_stopping_it_leaves_nothing(server: ServerGenerator, checkpoint: Path, options: VllmOptions) -> None:
    """The last test: it ends the server of the others."""
    (record,) = servers(options)
    assert record.pid in group(record.pid)
    assert len(ids_of(list(server.generate(TestServer.prompt, SEEDED, NO_STOP, never)))) == SEEDED.max_tokens
    stop(record)
    assert not record.runs
    assert servers(options) == []
    assert group(record.pid) == []
