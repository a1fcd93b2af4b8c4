"""vLLM's engine keeps the port's contract: run where vLLM is installed, see `make test-vllm`."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gptoss.backends.opening import open_generator
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.vllm.options import VllmRequest
from gptoss.engine.errors import BackendError, CheckpointError, GenerationFailed, UsageError
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling
from tests.backends.checkpoints import Geometry, random_weights, save_original
from tests.contracts.token_generator import GREEDY, NO_STOP, SEEDED, TokenGeneratorContract, ids_of, never

pytest.importorskip("vllm")

BLOCK = 32
"""Tokens that vLLM's cache holds together on a CPU."""

ARGUMENTS = ("dtype=float32", "kv-cache-memory-bytes=200000000")
"""In float32, so that the order in which a batch is summed up decides no token."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    geometry = Geometry(head_dim=64, factor=8.0)
    return save_original(random_weights(geometry), tmp_path_factory.mktemp("tiny") / "original")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vllm")


def start(checkpoint: Path, folder: Path, *arguments: str) -> Any:
    options = VllmRequest(arguments=arguments).options(folder / "cache", folder / "logs", environment={})
    return open_generator("vllm", checkpoint, options)


@pytest.fixture(scope="module")
def engine(checkpoint: Path, folder: Path) -> Iterator[Any]:
    """One engine for all tests, since it takes half a minute to start."""
    generator = start(checkpoint, folder, *ARGUMENTS)
    yield generator
    generator.close()


class Emptied:
    """The engine as if it had just started: its cache is empty."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        assert engine._run(engine._engine.reset_prefix_cache())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        pass


class TestVllm(TokenGeneratorContract):
    block = BLOCK
    prefills = False

    @pytest.fixture(autouse=True)
    def _engine(self, engine: Any) -> None:
        self.engine = engine

    def open(self) -> TokenGenerator:
        return Emptied(self.engine)


def test_it_draws_what_torch_draws(engine: Any, checkpoint: Path) -> None:
    """The same random number at each position, and the same model."""
    torch = TorchGenerator(checkpoint, device="cpu", dtype="float32")
    prompt = TestVllm.prompt
    for sampling in (replace(GREEDY, max_tokens=60), replace(SEEDED, max_tokens=60)):
        answers = [ids_of(list(backend.generate(prompt, sampling, NO_STOP, never))) for backend in (engine, torch)]
        assert answers[0] == answers[1]
    torch.close()


def test_an_answer_begun_on_torch_goes_on_here(engine: Any, checkpoint: Path) -> None:
    torch = TorchGenerator(checkpoint, device="cpu", dtype="float32")
    prompt = TestVllm.prompt
    whole = ids_of(list(torch.generate(prompt, replace(SEEDED, max_tokens=40), NO_STOP, never)))
    rest = replace(SEEDED, max_tokens=25)
    assert whole[:15] + ids_of(list(engine.generate([*prompt, *whole[:15]], rest, NO_STOP, never))) == whole
    torch.close()


def test_scores_are_those_of_torch(engine: Any, checkpoint: Path) -> None:
    torch = TorchGenerator(checkpoint, device="cpu", dtype="float32")
    prompt = TestVllm.prompt
    for ours, theirs in zip(engine.score(prompt), torch.score(prompt), strict=True):
        assert (ours.token, ours.rank, ours.best) == (theirs.token, theirs.rank, theirs.best)
        assert ours.logprob == pytest.approx(theirs.logprob, abs=1e-3)
        assert ours.best_logprob == pytest.approx(theirs.best_logprob, abs=1e-3)
        assert ours.entropy <= theirs.entropy + 1e-3
    torch.close()


def test_answers_at_once_do_not_disturb_each_other(engine: Any) -> None:
    prompts = [[*TestVllm.prompt, *range(3, 3 + n)] for n in range(6)]
    samplings = [replace(SEEDED, seed=n, temperature=1.0 if n % 2 else 0.0) for n in range(6)]
    alone = [
        ids_of(list(engine.generate(prompt, sampling, NO_STOP, never)))
        for prompt, sampling in zip(prompts, samplings, strict=True)
    ]
    streams = [
        engine.generate(prompt, sampling, NO_STOP, never) for prompt, sampling in zip(prompts, samplings, strict=True)
    ]
    together: list[list[int]] = [[] for _ in streams]
    running = set(range(len(streams)))
    while running:
        for number in sorted(running):
            chunk = next(streams[number], None)
            if chunk is None:
                running.remove(number)
            else:
                together[number] += chunk.ids
    assert together == alone


def test_a_cancelled_answer_leaves_the_engine_idle(engine: Any) -> None:
    kept: list[int] = []
    sampling = Sampling(temperature=0.0, max_tokens=900)
    for chunk in engine.generate(TestVllm.prompt, sampling, NO_STOP, lambda: len(kept) >= 3):
        kept.extend(chunk.ids)
    assert len(kept) < 900
    assert engine._engine.get_num_unfinished_requests() == 0
    engine._run(asyncio.sleep(0.5))
    # Blocks can be reset only when no request holds one: the engine's own word that it does nothing any more.
    assert engine._run(engine._engine.reset_prefix_cache())


@pytest.mark.parametrize("bad", [-1, 211])
def test_ids_beyond_the_vocabulary_are_refused_before_they_end_the_engine(engine: Any, bad: int) -> None:
    with pytest.raises(GenerationFailed, match="vocabulary of 211"):
        list(engine.generate([3, bad], GREEDY, NO_STOP, never))
    with pytest.raises(GenerationFailed, match="vocabulary of 211"):
        engine.score([3, bad])
    assert len(ids_of(list(engine.generate([3], GREEDY, NO_STOP, never)))) == GREEDY.max_tokens


def test_senseless_sampling_is_refused(engine: Any) -> None:
    with pytest.raises(UsageError, match="temperature"):
        list(engine.generate([3], Sampling(temperature=-1.0), NO_STOP, never))


@pytest.mark.parametrize("argument", ["no-such-thing=1", "max-model-len=many"])
def test_an_unknown_argument_is_refused(checkpoint: Path, folder: Path, argument: str) -> None:
    with pytest.raises(UsageError, match="vLLM does not take"):
        start(checkpoint, folder, argument)


def test_a_start_that_fails_says_why(checkpoint: Path, folder: Path) -> None:
    with pytest.raises(BackendError, match=r"vLLM could not start \(.*vllm\.log"):
        start(checkpoint, folder, "max-model-len=1000000")


def test_a_checkpoint_of_another_kind_is_refused(tmp_path: Path, folder: Path, checkpoint: Path) -> None:
    other = tmp_path / "llama"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "llama"}')
    (other / "model.safetensors").write_bytes((checkpoint / "model.safetensors").read_bytes())
    with pytest.raises(CheckpointError, match="llama"):
        start(other, folder)


def test_its_log_is_kept_and_nothing_is_printed(engine: Any, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    list(engine.generate([3], GREEDY, NO_STOP, never))
    printed = capfd.readouterr()
    assert printed.out + printed.err == ""
    assert "Initializing a V1 LLM engine" in (folder / "logs" / "vllm.log").read_text()
