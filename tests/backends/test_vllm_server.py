"""The client of vLLM's server, against a real HTTP server that plays what a vLLM server does and what goes wrong."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from gptoss.backends.vllm import server as client
from gptoss.backends.vllm.server import ServerGenerator
from gptoss.backends.vllm.transport import HttpServer
from gptoss.engine.errors import BackendError, ContextFull, GenerationFailed, UsageError
from gptoss.engine.settings import Sampling
from gptoss.engine.tokens import STOP_IDS
from tests.backends.vllm_server import FakeServer, running
from tests.contracts.token_generator import ids_of, never, prefilled_of

REPLY = [11, 12, 13, 14, 15, 16, 200002]
PROMPT = list(range(3, 43))
SEEDED = Sampling(temperature=1.0, top_p=0.9, seed=7)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "WAITS", (0.01, 0.01))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with running(FakeServer(REPLY)) as server:
        yield server


def opened(server: FakeServer, key: str | None = None, silence: float = 30.0) -> ServerGenerator:
    return ServerGenerator(HttpServer(server.url, key, silence=silence))


def answer(generator: ServerGenerator, prompt: list[int] = PROMPT, sampling: Sampling = SEEDED) -> list[int]:
    return ids_of(list(generator.generate(prompt, sampling, STOP_IDS, never)))


def keep(generator: ServerGenerator, kept: list[int]) -> None:
    for chunk in generator.generate(PROMPT, SEEDED, STOP_IDS, never):
        kept.extend(chunk.ids)


def test_ids_go_in_and_ids_come_out(server: FakeServer) -> None:
    generator = opened(server)
    chunks = list(generator.generate(PROMPT, SEEDED, STOP_IDS, never))
    assert ids_of(chunks) == REPLY
    assert prefilled_of(chunks) == len(PROMPT)
    assert chunks[-1].prefilled == len(PROMPT), "it is told with the last token, before the turn's ending is recorded"
    (asked,) = server.asked
    assert asked["prompt"] == PROMPT
    assert asked["stop_token_ids"] == sorted(STOP_IDS)
    assert asked["vllm_xargs"] == {"gptoss_draw": [7, 1.0, 0.9]}
    assert (asked["temperature"], asked["top_p"], asked["seed"], asked["max_tokens"]) == (1.0, 0.9, 7, 8192 - 40)


def test_only_what_is_new_is_computed(server: FakeServer) -> None:
    generator = opened(server)
    answer(generator)
    chunks = list(generator.generate([*PROMPT, *REPLY, 5], SEEDED, STOP_IDS, never))
    assert prefilled_of(chunks) == 1


def test_the_likeliest_token_needs_no_drawing(server: FakeServer) -> None:
    answer(opened(server), sampling=Sampling(temperature=0.0, max_tokens=2))
    assert server.asked[0]["vllm_xargs"] is None
    assert server.asked[0]["temperature"] == 0
    assert server.asked[0]["max_tokens"] == 2


def test_log_probabilities_come_with_the_tokens(server: FakeServer) -> None:
    chunks = list(opened(server).generate(PROMPT, replace(SEEDED, logprobs=True), STOP_IDS, never))
    assert [value for chunk in chunks for value in chunk.logprobs or ()] == [-0.5] * len(REPLY)


def test_a_model_is_known_by_its_fingerprint_or_by_its_name(server: FakeServer) -> None:
    assert opened(server).fingerprint == "abc123"
    del server.models[1]
    assert opened(server).fingerprint == "served:some-model"
    assert opened(server).max_context == 8192


def test_prompts_that_do_not_fit_are_refused_here(server: FakeServer) -> None:
    generator = opened(server)
    with pytest.raises(ContextFull):
        answer(generator, [3] * 8193)
    with pytest.raises(GenerationFailed, match="at least one"):
        answer(generator, [])
    assert answer(generator, [3] * 8192) == []
    assert not server.asked


def test_scores_come_from_the_log_probabilities_of_the_prompt(server: FakeServer) -> None:
    scores = opened(server).score([3, 7, 8, 9], 1)
    assert [score.token for score in scores] == [7, 8, 9]
    assert [score.rank for score in scores] == [1, 2, 40]
    assert [score.logprob for score in scores] == [-0.1, -3.0, -9.0]
    assert {score.best for score in scores} == {7}
    assert opened(server).score([3, 7, 8, 9], 3) == scores[2:]
    assert opened(server).score([3]) == []


class TestWrongAddresses:
    @pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "http://x:port"])
    def test_what_is_no_url(self, url: str) -> None:
        with pytest.raises(UsageError, match="URL"):
            HttpServer(url)

    def test_nobody_listens(self) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            with pytest.raises(BackendError, match="no server answers at"):
                ServerGenerator(HttpServer(f"http://127.0.0.1:{unused.getsockname()[1]}"))

    def test_somebody_listens_and_says_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(BackendError, match="does not answer in time"):
                ServerGenerator(HttpServer(url, silence=0.05))

    def test_something_else_listens(self, server: FakeServer) -> None:
        server.models = [{"id": "no context length"}]
        with pytest.raises(BackendError, match="no vLLM server"):
            opened(server)

    def test_the_version_prefix_may_be_part_of_it(self, server: FakeServer) -> None:
        assert answer(ServerGenerator(HttpServer(server.url + "/v1/"))) == REPLY


class TestKeys:
    @pytest.fixture
    def locked(self) -> Iterator[FakeServer]:
        with running(FakeServer(REPLY, key="open sesame")) as server:
            yield server

    def test_the_right_one_opens(self, locked: FakeServer) -> None:
        assert answer(opened(locked, "open sesame")) == REPLY

    @pytest.mark.parametrize("key", [None, "wrong"])
    def test_a_wrong_one_is_told(self, locked: FakeServer, key: str | None) -> None:
        with pytest.raises(BackendError, match="does not accept the key: set VLLM_API_KEY"):
            opened(locked, key)

    def test_one_that_is_changed_meanwhile_is_told(self, locked: FakeServer) -> None:
        generator = opened(locked, "open sesame")
        locked.key = "another"
        with pytest.raises(GenerationFailed, match="does not accept the key"):
            answer(generator)
        assert len(locked.asked) == 1, "asking again would not help"


class TestFaults:
    @pytest.mark.parametrize("fault", ["hang up", 429, 502, 503, 504])
    def test_before_the_first_token_it_is_tried_again(self, server: FakeServer, fault: int | str) -> None:
        server.faults = [fault, fault]
        assert answer(opened(server)) == REPLY
        assert len(server.asked) == 3

    def test_but_not_for_ever(self, server: FakeServer) -> None:
        server.faults = ["hang up"] * 3
        with pytest.raises(GenerationFailed, match="does not answer"):
            answer(opened(server))
        assert len(server.asked) == 3

    @pytest.mark.parametrize("fault", [400, 404, 500])
    def test_a_refusal_is_final(self, server: FakeServer, fault: int) -> None:
        server.faults = [fault]
        with pytest.raises(GenerationFailed, match=f"refused the prompt .no: {fault}"):
            answer(opened(server))
        assert len(server.asked) == 1

    @pytest.mark.parametrize("fault", ["break", "error"])
    def test_in_the_middle_the_tokens_stay_and_nothing_is_asked_again(self, server: FakeServer, fault: str) -> None:
        server.faults = [fault]
        kept: list[int] = []
        with pytest.raises(GenerationFailed, match="broke off in the middle"):
            keep(opened(server), kept)
        assert kept == REPLY[:3]
        assert len(server.asked) == 1

    def test_it_goes_on_from_there(self, server: FakeServer) -> None:
        server.faults = ["break"]
        generator, kept = opened(server), list[int]()
        with pytest.raises(GenerationFailed):
            keep(generator, kept)
        assert kept + answer(generator, [*PROMPT, *kept]) == REPLY

    def test_a_server_that_falls_silent_is_given_up(self, server: FakeServer) -> None:
        server.faults = ["stall"] * 3
        with pytest.raises(GenerationFailed, match="does not answer in time"):
            answer(opened(server, silence=0.05))

    def test_one_without_token_ids_is_told(self, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        handler = server.RequestHandlerClass
        monkeypatch.setattr(
            handler, "_event", lambda self, event: handler._chunk(self, b'data: {"choices": [{"text": "x"}]}\n\n')
        )
        with pytest.raises(GenerationFailed, match="without token ids"):
            answer(opened(server))


class TestCancelling:
    def test_while_nothing_comes_it_hangs_up(self, server: FakeServer) -> None:
        server.faults = ["stall"]
        begun = time.monotonic()
        stream = opened(server).generate(PROMPT, SEEDED, STOP_IDS, lambda: time.monotonic() - begun > 0.1)
        assert list(stream) == []
        server.release.set()
        assert server.hung_up.wait(10), "the server is told that nobody listens"

    def test_in_the_middle_what_there_is_stays(self, server: FakeServer) -> None:
        kept: list[int] = []
        for chunk in opened(server).generate(PROMPT, SEEDED, STOP_IDS, lambda: len(kept) >= 3):
            kept.extend(chunk.ids)
        assert kept == REPLY[:3]

    def test_closing_the_iterator_is_enough(self, server: FakeServer) -> None:
        generator = opened(server)
        stream = generator.generate(PROMPT, SEEDED, STOP_IDS, never)
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # it is a Python generator
        assert answer(generator) == REPLY

    def test_while_it_waits_for_another_attempt(self, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "WAITS", (60.0,))
        server.faults = ["hang up"]
        begun = time.monotonic()
        stream = opened(server).generate(PROMPT, SEEDED, STOP_IDS, lambda: time.monotonic() - begun > 0.2)
        assert list(stream) == []
        assert len(server.asked) == 1


def test_many_at_once(server: FakeServer) -> None:
    generator = opened(server)
    answers: list[list[int]] = []
    threads = [threading.Thread(target=lambda: answers.append(answer(generator))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [REPLY] * 20


def test_a_server_needs_no_torch() -> None:
    program = "import sys, gptoss.backends.vllm.server, gptoss.backends.vllm.opening; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
