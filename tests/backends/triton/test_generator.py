"""The port's contract on the kernels, interpreted where there is no GPU."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from gptoss.backends import cached, saved
from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.parallel.shard import whole
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.torch.weights import load_model
from gptoss.backends.triton import card
from gptoss.backends.triton.generator import TritonGenerator
from gptoss.engine.errors import BackendError, CheckpointError
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling
from tests.backends.checkpoints import Geometry, random_weights, save_huggingface
from tests.backends.triton.models import DEVICE
from tests.contracts.token_generator import TokenGeneratorContract, ids_of, never, prefilled_of

GEOMETRY = Geometry(hidden=32, inner=32, heads=2, kv_heads=1, experts=3)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_huggingface(random_weights(GEOMETRY, seed=5), tmp_path_factory.mktemp("triton") / "tiny", packed=True)


@pytest.mark.skipif(DEVICE.type == "cpu", reason="interpreting it takes many minutes: needs a GPU")
class TestTriton(TokenGeneratorContract):
    rounds_alike = False

    @pytest.fixture(autouse=True)
    def _checkpoint(self, checkpoint: Path) -> None:
        self.checkpoint = checkpoint

    def open(self) -> TokenGenerator:
        return TritonGenerator(self.checkpoint)


def test_scores_are_those_of_the_torch_backend(checkpoint: Path) -> None:
    ids = torch.randint(0, 211, (40,), generator=torch.Generator().manual_seed(0)).tolist()
    triton = TritonGenerator(checkpoint)
    exact = TorchGenerator(checkpoint, device="cpu", dtype="float32", kernels="none")
    assert triton.fingerprint == exact.fingerprint
    differences = [
        abs(mine.logprob - other.logprob) for mine, other in zip(triton.score(ids, 3), exact.score(ids, 3), strict=True)
    ]
    assert sum(differences) / len(differences) < 0.05


def test_a_token_that_top_p_leaves_no_choice_is_the_likeliest(checkpoint: Path) -> None:
    generator = TritonGenerator(checkpoint)
    ids = list(range(3, 20))
    greedy, nucleus = Sampling(temperature=0, max_tokens=3), Sampling(temperature=1, top_p=0.0, max_tokens=3)
    chunks = [list(generator.generate(ids, sampling, frozenset(), never)) for sampling in (greedy, nucleus)]
    assert ids_of(chunks[0]) == ids_of(chunks[1])


def test_drafts_change_no_token(checkpoint: Path) -> None:
    drafting = TritonGenerator(checkpoint)
    plain = TritonGenerator.over(drafting._decoder.weights, drafting.fingerprint, speculates=False)
    assert drafting._trial is not None
    ids = [*range(3, 15), 40, 41, *range(3, 9)]
    sampling = Sampling(temperature=0, max_tokens=9, logprobs=True)
    tried: list[int] = []
    draw = drafting._trial.draw

    def counted(tokens: Sequence[int], position: int) -> list[tuple[int, float]]:
        drawn = draw(tokens, position)
        tried.append(len(drawn))
        return drawn

    drafting._trial.draw = counted  # type: ignore[method-assign]
    for _ in range(2):
        plainly, drafted = (
            [chunk for chunk in generator.generate(ids, sampling, frozenset(), never) if chunk.ids]
            for generator in (plain, drafting)
        )
        assert drafted == plainly
        assert drafting._cache.ids == plain._cache.ids
        ids = [*ids, *ids_of(plainly), 9, 9, *ids]  # what comes now has come before, if the model is so inclined
    assert max(tried) > 1


def test_what_was_computed_ahead_is_not_computed_again(checkpoint: Path) -> None:
    generator, ids, one = TritonGenerator(checkpoint), list(range(3, 20)), Sampling(temperature=0, max_tokens=1)
    assert prefilled_of(list(generator.generate(ids, one, frozenset(), never))) == len(ids)
    at_once = generator._decoder.logits.clone()
    other = [*ids[:4], *ids[6:12]]
    assert prefilled_of(list(generator.prefill(other, never))) == 6
    assert list(generator.prefill(other[:7], never)) == []
    assert list(generator.prefill(ids, lambda: True)) == []
    assert prefilled_of(list(generator.prefill(ids[:11], never))) == 7
    assert prefilled_of(list(generator.generate(ids, one, frozenset(), never))) == 6
    assert float((generator._decoder.logits - at_once).abs().median()) < 0.05 * float(at_once.std())


def test_keys_and_values_from_a_file_are_those_that_were_computed(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "LEAST", 40)
    monkeypatch.setattr(saved, "TAIL", 0)
    ids, one = [3 + n * n % 200 for n in range(180)], Sampling(temperature=0, max_tokens=1)
    generator, other = TritonGenerator(checkpoint), TritonGenerator(checkpoint)
    list(generator.prefill(ids[:175], never))
    assert generator.store(ids, tmp_path / "a", 1 << 30) == 175
    assert other.recall(ids, tmp_path / "a") == 175
    assert other._cache._least == 175  # more than its windows hold
    assert prefilled_of(list(generator.generate(ids, one, frozenset(), never))) == 5
    assert prefilled_of(list(other.generate(ids, one, frozenset(), never))) == 5
    assert torch.equal(generator._decoder.logits, other._decoder.logits)


def test_takes_no_checkpoint_with_unpacked_experts(tmp_path: Path) -> None:
    path = save_huggingface(random_weights(GEOMETRY), tmp_path / "bf16", packed=False)
    with pytest.raises(CheckpointError, match="--backend torch"):
        TritonGenerator(path)


@pytest.mark.skipif(DEVICE.type == "cuda", reason="there is a GPU")
def test_says_what_would_work_without_a_gpu(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "INTERPRETED", False)
    with pytest.raises(BackendError, match="needs an NVIDIA GPU"):
        TritonGenerator(checkpoint)


@torch.inference_mode()
def test_logits_of_every_length_are_those_of_the_torch_model(checkpoint: Path) -> None:
    generator = TritonGenerator(checkpoint)
    model = load_model(whole(Checkpoint(checkpoint)), torch.device("cpu"), torch.float32)
    ids = torch.randint(0, 211, (300,), generator=torch.Generator().manual_seed(1)).tolist()
    exact = model.logits(model.forward(ids, model.new_cache()))
    for length in (1, 2, 129, 300) if DEVICE.type == "cuda" else (7, 40):
        list(generator.generate(ids[:length], Sampling(temperature=0, max_tokens=1), frozenset(), never))
        found = generator._decoder.logits[0].cpu()
        assert float((found - exact[length - 1]).abs().median()) < 0.05 * float(exact.std())
