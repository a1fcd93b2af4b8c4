"""The torch generator keeps the port's contract on a tiny random checkpoint, and its own promises."""

from pathlib import Path

import pytest
import torch

from gptoss.backends.torch import memory
from gptoss.backends.torch.generator import CHUNK, TorchGenerator
from gptoss.backends.torch.native.kernels import NONE
from gptoss.backends.torch.native.model import NativeModel
from gptoss.engine.errors import BackendError, GenerationFailed, UsageError
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling
from tests.backends.checkpoints import Geometry, random_weights, save_huggingface, save_original
from tests.contracts.token_generator import (
    GREEDY,
    NO_STOP,
    SEEDED,
    TokenGeneratorContract,
    ids_of,
    never,
    prefilled_of,
)

LONG = [3 + n * n % 200 for n in range(2 * CHUNK["cpu"] + 50)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    geometry = Geometry(factor=8.0)
    return save_original(random_weights(geometry), tmp_path_factory.mktemp("tiny") / "original")


KERNELS = [None, NONE]
"""Those of the machine, if it can build them, and PyTorch's own."""


@pytest.fixture(scope="module", params=KERNELS, ids=["native", "plain"])
def generator(request: pytest.FixtureRequest, checkpoint: Path) -> TorchGenerator:
    return TorchGenerator(checkpoint, device="cpu", kernels=request.param)


@pytest.mark.parametrize("kernels", KERNELS, ids=["native", "plain"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
class TestTorch(TokenGeneratorContract):
    @pytest.fixture(autouse=True)
    def _checkpoint(self, checkpoint: Path, dtype: str, kernels: str | None) -> None:
        self.checkpoint, self.dtype, self.kernels = checkpoint, dtype, kernels

    def open(self) -> TokenGenerator:
        return TorchGenerator(self.checkpoint, device="cpu", dtype=self.dtype, kernels=self.kernels)


def test_a_seed_is_a_different_answer(generator: TorchGenerator) -> None:
    answers = {
        tuple(ids_of(list(generator.generate(LONG[:20], Sampling(seed=seed, max_tokens=8), NO_STOP, never))))
        for seed in range(5)
    }
    assert len(answers) == 5


@pytest.mark.parametrize("kernels", KERNELS, ids=["native", "plain"])
def test_every_point_of_interruption_leads_to_the_same_answer(checkpoint: Path, kernels: str | None) -> None:
    """With the cache warm, and cold as after a crash."""
    generator = TorchGenerator(checkpoint, device="cpu", kernels=kernels)
    sampling = Sampling(temperature=1.2, top_p=0.9, seed=5, max_tokens=150)
    whole = ids_of(list(generator.generate(LONG[:60], sampling, NO_STOP, never)))
    for kept in range(1, 150, 13):
        rest = Sampling(temperature=1.2, top_p=0.9, seed=5, max_tokens=150 - kept)
        begun = [*LONG[:60], *whole[:kept]]
        assert ids_of(list(generator.generate(begun, rest, NO_STOP, never))) == whole[kept:]
        cold = TorchGenerator(checkpoint, device="cpu", kernels=kernels)
        assert ids_of(list(cold.generate(begun, rest, NO_STOP, never))) == whole[kept:]


def test_a_long_prompt_reports_its_progress_and_can_be_cancelled(checkpoint: Path) -> None:
    generator = TorchGenerator(checkpoint, device="cpu")
    first = next(generator.generate(LONG, GREEDY, NO_STOP, never))
    assert first.prefilled == CHUNK["cpu"]
    # It is asked before a chunk and before each of the two layers.
    for asked, computed in [(1, 0), (2, 0), (3, CHUNK["cpu"])]:
        looks = iter([False] * asked + [True])
        cancelled = list(generator.generate(LONG, GREEDY, NO_STOP, looks.__next__))
        assert prefilled_of(cancelled) == computed
        assert ids_of(cancelled) == []
    rest = list(generator.generate(LONG, GREEDY, NO_STOP, never))
    assert prefilled_of(rest) == len(LONG) - 2 * CHUNK["cpu"]


def test_the_context_bounds_the_answer(generator: TorchGenerator) -> None:
    assert generator.max_context == 1024
    prompt = [5] * 1021
    assert len(ids_of(list(generator.generate(prompt, Sampling(), NO_STOP, never)))) == 3
    assert ids_of(list(generator.generate([5] * 1024, Sampling(), NO_STOP, never))) == []


@pytest.mark.parametrize("bad", [-1, 211])
def test_ids_beyond_the_vocabulary_are_refused(generator: TorchGenerator, bad: int) -> None:
    with pytest.raises(GenerationFailed, match="vocabulary of 211"):
        list(generator.generate([3, bad], GREEDY, NO_STOP, never))
    with pytest.raises(GenerationFailed, match="vocabulary of 211"):
        generator.score([3, bad])


def test_senseless_sampling_is_refused(generator: TorchGenerator) -> None:
    with pytest.raises(UsageError, match="temperature"):
        list(generator.generate([3], Sampling(temperature=-1.0), NO_STOP, never))


def test_beginning_another_answer_ends_the_one_before(generator: TorchGenerator) -> None:
    first = generator.generate(LONG[:20], SEEDED, NO_STOP, never)
    next(first)
    whole = ids_of(list(generator.generate(LONG[:30], SEEDED, NO_STOP, never)))
    with pytest.raises(GenerationFailed, match="another one was begun"):
        next(first)
    assert ids_of(list(generator.generate(LONG[:30], SEEDED, NO_STOP, never))) == whole


def test_a_failure_inside_torch_is_wrapped_and_leaves_it_usable(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = TorchGenerator(checkpoint, device="cpu", kernels=NONE)
    whole = ids_of(list(generator.generate(LONG[:20], SEEDED, NO_STOP, never)))

    def out_of_memory(*_: object) -> torch.Tensor:
        raise RuntimeError("not enough memory: you tried to allocate 8 bytes")

    with monkeypatch.context() as patch:
        patch.setattr("gptoss.backends.torch.model.attend", out_of_memory)
        with pytest.raises(GenerationFailed, match="torch backend failed: not enough memory"):
            list(generator.generate(LONG[:25], SEEDED, NO_STOP, never))
    assert ids_of(list(generator.generate(LONG[:20], SEEDED, NO_STOP, never))) == whole


def test_memory_that_runs_out_in_the_kernels_is_reported_and_leaves_them_usable(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = TorchGenerator(checkpoint, device="cpu")
    if not isinstance(generator._model, NativeModel):
        pytest.skip("PyTorch does the work")
    whole = ids_of(list(generator.generate(LONG[:20], SEEDED, NO_STOP, never)))
    with monkeypatch.context() as patch:
        patch.setattr(generator._model._kernels, "forward", lambda *_: 1)  # what they answer when malloc fails
        with pytest.raises(GenerationFailed, match="torch backend failed: there is not enough memory"):
            list(generator.generate(LONG[:25], SEEDED, NO_STOP, never))
    assert ids_of(list(generator.generate(LONG[:20], SEEDED, NO_STOP, never))) == whole


def test_a_failure_in_the_product_with_the_vocabulary_is_wrapped_too(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several ranks it is where one that is gone may be met first."""
    generator = TorchGenerator(checkpoint, device="cpu")

    def reset(hidden: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("connection reset by peer")

    monkeypatch.setattr(generator._model, "logits", reset)
    with pytest.raises(GenerationFailed, match="torch backend failed: connection reset"):
        list(generator.generate(LONG[:5], SEEDED, NO_STOP, never))
    with pytest.raises(GenerationFailed, match="torch backend failed: connection reset"):
        generator.score(LONG[:5])


@pytest.mark.parametrize("device", ["tpu", "meta", "cuda:99", "mps:x"])
def test_an_unusable_device_is_refused(checkpoint: Path, device: str) -> None:
    with pytest.raises(BackendError, match="device"):
        TorchGenerator(checkpoint, device=device)


def test_an_unknown_type_is_refused(checkpoint: Path) -> None:
    with pytest.raises(BackendError, match="bfloat16 or float32"):
        TorchGenerator(checkpoint, dtype="int8")


def test_a_model_larger_than_memory_is_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless its weights can stay in the file."""
    monkeypatch.setattr(memory, "available", lambda: 1000)
    unpacked = save_huggingface(random_weights(Geometry()), tmp_path / "unpacked", packed=False)
    for path, kernels in [(unpacked, None), (unpacked, NONE), (checkpoint, NONE)]:
        with pytest.raises(BackendError, match="GB of memory"):
            TorchGenerator(path, device="cpu", kernels=kernels)


def test_available_memory_is_read_where_the_system_tells(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:  100 kB\nMemAvailable:   42 kB\n")
    assert memory.available(meminfo) == 42 * 1024
    assert memory.available(tmp_path / "none") is None


def test_closing_twice_is_fine(checkpoint: Path) -> None:
    generator = TorchGenerator(checkpoint, device="cpu")
    generator.close()
    generator.close()
