"""Servers that are started, found again and stopped: real processes, with a server that plays vLLM's part."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gptoss.backends.vllm import serving
from gptoss.backends.vllm.options import VllmOptions, VllmRequest
from gptoss.backends.vllm.server import ServerGenerator
from gptoss.backends.vllm.serving import find_or_start, servers, stop
from gptoss.engine.errors import BackendError
from gptoss.engine.settings import Sampling
from tests.contracts.token_generator import ids_of, never

CHECKPOINT = Path("/models/some")


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VllmOptions]:
    monkeypatch.setattr(serving, "find_spec", lambda name: True)
    monkeypatch.setattr(serving, "POLL", 0.02)
    monkeypatch.setattr(
        serving, "_command", lambda path, port, options: [sys.executable, "-m", "tests.backends.vllm_server", str(port)]
    )
    options = VllmRequest(serve=True).options(tmp_path / "cache", tmp_path / "logs", environment={})
    yield options
    for record in servers(options):
        stop(record)


def answer(generator: ServerGenerator) -> list[int]:
    return ids_of(list(generator.generate([3, 4], Sampling(max_tokens=9), frozenset({200002}), never)))


def test_one_is_started_and_found_again(options: VllmOptions) -> None:
    said: list[str] = []
    first = ServerGenerator(find_or_start(CHECKPOINT, options, said.append))
    assert answer(first) == [11, 12, 200002]
    assert any("waiting for the vLLM server" in text for text in said)
    (record,) = servers(options)
    said.clear()
    assert answer(ServerGenerator(find_or_start(CHECKPOINT, options, said.append))) == [11, 12, 200002]
    assert servers(options) == [record]
    assert said == []


def test_other_arguments_are_another_server(options: VllmOptions) -> None:
    find_or_start(CHECKPOINT, options)
    other = VllmRequest(arguments=("dtype=float32",), serve=True).options(options.cache, options.logs, environment={})
    find_or_start(CHECKPOINT, other)
    find_or_start(Path("/models/other"), options)
    assert len({record.url for record in servers(options)}) == 3


def test_chats_that_begin_at_once_start_one(options: VllmOptions) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: find_or_start(CHECKPOINT, options).url, range(4)))
    assert len(set(found)) == len(servers(options)) == 1


def test_a_stopped_one_is_gone(options: VllmOptions) -> None:
    find_or_start(CHECKPOINT, options)
    (record,) = servers(options)
    stop(record)
    assert not record.runs
    assert servers(options) == []


def test_after_a_kill_another_is_started(options: VllmOptions) -> None:
    find_or_start(CHECKPOINT, options)
    (before,) = servers(options)
    os.kill(before.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while before.runs and time.monotonic() < end:
        time.sleep(0.01)
    assert answer(ServerGenerator(find_or_start(CHECKPOINT, options))) == [11, 12, 200002]
    (after,) = servers(options)
    assert after.pid != before.pid


def test_a_later_process_of_the_same_id_is_not_taken_for_it(options: VllmOptions) -> None:
    find_or_start(CHECKPOINT, options)
    (record,) = servers(options)
    imposter = serving.ServerRecord(
        url=record.url, key=record.key, pid=os.getpid(), born=record.born, checkpoint="", log=""
    )
    assert not imposter.runs
    assert record.runs


def test_only_the_owner_reads_its_key(options: VllmOptions) -> None:
    find_or_start(CHECKPOINT, options)
    (file,) = (options.logs.parent / "servers").glob("*.json")
    assert file.stat().st_mode & 0o077 == 0
    (record,) = servers(options)
    assert len(record.key) >= 24
    assert record.key not in Path(f"/proc/{record.pid}/cmdline").read_text()


def test_one_that_ends_at_once_says_why(options: VllmOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "raise ValueError('no GPU is free')"
    monkeypatch.setattr(serving, "_command", lambda *_: [sys.executable, "-c", program])
    with pytest.raises(BackendError, match=r"could not start \(no GPU is free\); what it said is in .*\.log"):
        find_or_start(CHECKPOINT, options)
    assert servers(options) == []


def test_without_vllm_it_says_how_to_get_it(options: VllmOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"pip install 'gptoss\[vllm\]'"):
        find_or_start(CHECKPOINT, options)
