"""The arithmetic is that of gpt-oss: compared with transformers, and with itself computed in other ways."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.parallel.shard import whole
from gptoss.backends.torch.cache import STEP
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.torch.model import Model
from gptoss.backends.torch.native.model import NativeModel
from gptoss.backends.torch.stopping import Stopped
from gptoss.backends.torch.weights import load_model
from tests.backends.checkpoints import Geometry, random_weights, save_huggingface, save_original

GEOMETRIES = {
    "small": Geometry(),
    "three layers, groups of 3": Geometry(
        layers=3, hidden=96, inner=32, heads=6, kv_heads=2, head_dim=24, experts=5, per_token=3, vocabulary=701
    ),
    "every head its own keys, short window": Geometry(heads=2, kv_heads=2, head_dim=64, window=16, per_token=1),
    "one head of keys, all experts": Geometry(heads=8, kv_heads=1, head_dim=8, per_token=4, initial_context=64),
    "stretched far": Geometry(initial_context=32, factor=40.0, experts=8, per_token=2, inner=256),
}
LENGTHS = (1, 2, 3, 17, 128, 129, 300)


def prompt(length: int, vocabulary: int = 200) -> list[int]:
    return torch.randint(0, vocabulary, (length,), generator=torch.Generator().manual_seed(length)).tolist()


def load(path: Path, dtype: torch.dtype) -> Model:
    checkpoint = Checkpoint(path)
    with torch.inference_mode():
        return load_model(whole(checkpoint), torch.device("cpu"), dtype)


def assert_same(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Bit for bit where that is known to be so: with BLAS kernels for AVX2. Those for AVX512 differ in attention."""
    if torch.backends.cpu.get_cpu_capability() == "AVX2":
        assert torch.equal(actual, expected)
    torch.testing.assert_close(actual, expected, atol=3e-5, rtol=3e-5)


@torch.inference_mode()
def logits(model: Model, parts: Sequence[Sequence[int]]) -> torch.Tensor:
    """Those of every position, with the prompt computed part by part: [all tokens, vocabulary]."""
    cache = model.new_cache()
    results = []
    for part in parts:
        results.append(model.logits(model.forward(part, cache)))
    return torch.cat(results)


def transformers_logits(path: Path, ids: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    from transformers import AutoConfig, GptOssForCausalLM, Mxfp4Config

    packed = hasattr(AutoConfig.from_pretrained(path), "quantization_config")
    options = {"quantization_config": Mxfp4Config(dequantize=True)} if packed else {}
    model = GptOssForCausalLM.from_pretrained(path, dtype=dtype, attn_implementation="eager", **options).eval()
    with torch.inference_mode():
        result: torch.Tensor = model(torch.tensor([ids])).logits[0]
    return result.float()


@pytest.mark.parametrize("name", GEOMETRIES)
def test_logits_are_those_of_transformers(name: str, tmp_path: Path) -> None:
    """At every position, from every layout; and the shorter prompts give what the longest gives there."""
    geometry = GEOMETRIES[name]
    weights = random_weights(geometry)
    original = save_original(weights, tmp_path / "original")
    packed = save_huggingface(weights, tmp_path / "packed", packed=True, shards=2)
    unpacked = save_huggingface(weights, tmp_path / "unpacked", packed=False)
    ids = prompt(max(LENGTHS), geometry.vocabulary)
    exact = transformers_logits(unpacked, ids, torch.float32)
    assert torch.equal(transformers_logits(packed, ids, torch.float32), exact)  # theirs agree about MXFP4
    noise = (transformers_logits(unpacked, ids, torch.bfloat16) - exact).abs().mean()
    reference = None
    for path in (original, packed, unpacked):
        model = load(path, torch.float32)
        for length in LENGTHS:
            torch.testing.assert_close(logits(model, [ids[:length]]), exact[:length], atol=2e-4, rtol=1e-4)
        ours = logits(load(path, torch.bfloat16), [ids])
        assert (ours - exact).abs().mean() <= noise
        reference = ours if reference is None else reference
        assert torch.equal(ours, reference)


def test_what_transformers_saves_is_read(tmp_path: Path) -> None:
    from transformers import GptOssForCausalLM

    unpacked = save_huggingface(random_weights(Geometry()), tmp_path / "unpacked", packed=False)
    GptOssForCausalLM.from_pretrained(unpacked, dtype=torch.bfloat16).save_pretrained(tmp_path / "saved")
    ids = prompt(150)
    assert torch.equal(
        logits(load(tmp_path / "saved", torch.bfloat16), [ids]), logits(load(unpacked, torch.bfloat16), [ids])
    )


@pytest.fixture(scope="module", params=["small", "three layers, groups of 3", "every head its own keys, short window"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = save_original(random_weights(GEOMETRIES[request.param]), tmp_path_factory.mktemp("model") / "original")
    return load(path, torch.bfloat16)


def pieces(ids: list[int], sizes: Sequence[int]) -> list[list[int]]:
    """Cut into these sizes, over and over."""
    parts: list[list[int]] = []
    while ids:
        size = sizes[len(parts) % len(sizes)]
        parts.append(ids[:size])
        ids = ids[size:]
    return parts


@pytest.mark.parametrize("sizes", [[1], [2, 1, 7], [64], [240, 1, 1], [13, 100]])
def test_any_way_to_cut_a_prompt_gives_the_same_bits(model: Model, sizes: list[int]) -> None:
    """Decoding is the cut into single tokens. Past the window and past one tile of keys."""
    ids = prompt(STEP + 100)
    assert_same(logits(model, pieces(ids, sizes)), logits(model, [ids]))


def test_float32_gives_the_same_bits_too(tmp_path: Path) -> None:
    model = load(save_original(random_weights(Geometry()), tmp_path / "original"), torch.float32)
    ids = prompt(300)
    assert_same(logits(model, pieces(ids, [1, 30, 5])), logits(model, [ids]))


@torch.inference_mode()
def test_a_reused_prefix_gives_the_same_bits_as_a_cold_one(model: Model) -> None:
    ids = prompt(200)
    other = [*ids[:150], *prompt(60)]
    cache = model.new_cache()
    model.forward(ids, cache)
    assert cache.keep(other[:-1]) == 150
    warm = model.forward(other[150:], cache)
    cold = model.forward(other, model.new_cache())
    assert_same(warm, cold[150:])


@torch.inference_mode()
def stops_between_two_layers(model: Model | NativeModel) -> None:
    """At the second question, before the second layer; then the cache is as it was."""
    cache = model.new_cache()
    model.forward(prompt(100), cache)
    answers = iter([False, True])
    with pytest.raises(Stopped):
        model.forward(prompt(30), cache, lambda: next(answers))
    assert list(answers) == []
    assert cache.ids == prompt(100)
    fresh = model.new_cache()
    model.forward(prompt(100), fresh)
    assert torch.equal(model.forward(prompt(20), cache), model.forward(prompt(20), fresh))


def test_a_prompt_stops_between_two_layers(model: Model) -> None:
    stops_between_two_layers(model)


@torch.inference_mode()
def test_the_cache_grows_with_the_tokens(model: Model) -> None:
    cache = model.new_cache()
    assert cache.capacity == 0
    model.forward(prompt(5), cache)
    assert cache.capacity == STEP
    model.forward(prompt(STEP), cache)
    assert cache.capacity == 2 * STEP
    assert len(cache.ids) == STEP + 5


def test_scores_are_the_logits_log_probabilities(tmp_path: Path) -> None:
    path = save_original(random_weights(Geometry()), tmp_path / "original")
    generator = TorchGenerator(path, device="cpu", dtype="float32")
    ids = prompt(300)
    expected = logits(load(path, torch.float32), [ids]).log_softmax(-1)
    wanted = [float(expected[n, ids[n + 1]]) for n in range(len(ids) - 1)]
    scores = generator.score(ids)
    assert [score.logprob for score in scores] == pytest.approx(wanted, abs=1e-5)
    assert [score.best for score in scores] == expected[:-1].argmax(-1).tolist()
    assert [score.entropy for score in scores] == pytest.approx(
        torch.special.entr(expected[:-1].exp()).sum(-1).tolist(), abs=1e-3
    )
    ranks = [int((expected[n] > expected[n, ids[n + 1]]).sum()) + 1 for n in range(len(ids) - 1)]
    assert [score.rank for score in scores] == ranks
