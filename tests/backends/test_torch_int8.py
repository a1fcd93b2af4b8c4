"""Dense weights in 8 bits: what the kernels make of them is what PyTorch makes of them, and rows keep their bits."""

from pathlib import Path

import pytest
import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.parallel.shard import whole
from gptoss.backends.torch import int8
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.torch.native import kernels
from gptoss.backends.torch.native.kernels import NONE, Matrix
from gptoss.backends.torch.native.model import NativeModel
from gptoss.backends.torch.threads import on_threads
from gptoss.backends.torch.weights import load_model
from gptoss.engine.errors import BackendError
from tests.backends.checkpoints import Geometry, Weights, random_weights, save_original
from tests.backends.test_torch_model import GEOMETRIES, logits, pieces, prompt
from tests.backends.test_torch_native import FUSED, SHAPES, built, multiply, on_each, random, rounding

WHOLE_GROUPS = sorted({(out, -(-inner // 32) * 32) for out, inner in SHAPES} | {(64, 128), (200, 96)})


class Sample:
    """A random matrix as the kernels make it narrow. Its steps differ by a factor of thousands, and one is 0."""

    def __init__(self, name: str, out: int, inner: int, dtype: torch.dtype) -> None:
        size = torch.randint(-10, 4, (out, inner // 32, 1), generator=torch.Generator().manual_seed(2))
        weight = torch.ldexp(random(out, inner).unflatten(1, (-1, 32)), size).flatten(1)
        weight[0, :32] = 0
        self.weight, self.bias = weight.to(dtype), random(out, seed=1)
        self.matrix, self.held = narrowed(name, self.weight, self.bias)


def narrowed(name: str, weight: torch.Tensor, bias: torch.Tensor | None) -> tuple[Matrix, torch.Tensor]:
    """The matrix, and its memory, which ends where it does."""
    out, inner = weight.shape
    kind = kernels.FLOAT32 if weight.dtype == torch.float32 else kernels.BFLOAT16
    held = torch.full((int8.size(out, inner),), 0x55, dtype=torch.uint8)
    wide = Matrix(weight.data_ptr(), None, None, out, inner, kind)
    kernels.load(name).lay_bricks(wide, held.data_ptr(), torch.get_num_threads())
    return Matrix(held.data_ptr(), None, None if bias is None else bias.data_ptr(), out, inner, kernels.INT8), held


@built
@on_each
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("out", "inner"), WHOLE_GROUPS)
def test_products_are_right_and_rows_do_not_depend_on_each_other(
    name: str, dtype: torch.dtype, out: int, inner: int
) -> None:
    sample, x = Sample(name, out, inner, dtype), random(101, inner, seed=3)
    result = multiply(name, sample.matrix, x)
    values = int8.rounded(sample.weight).double()
    noise = (rounding(x) + 2e-6 * x.double().abs()) @ values.abs().T + 1e-6
    assert ((result - x.double() @ values.T - sample.bias.double()).abs() <= noise).all()
    for begin, count in [(0, 1), (100, 1), (7, 1), (0, 2), (99, 2), (3, 5), (50, 49), (0, 64)]:
        assert torch.equal(multiply(name, sample.matrix, x[begin : begin + count]), result[begin : begin + count])
    with on_threads(1):
        assert torch.equal(multiply(name, sample.matrix, x), result)
    for other in FUSED if name in FUSED else ():
        assert torch.equal(multiply(other, sample.matrix, x), result)


@built
@on_each
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_kernels_round_to_the_bit_as_pytorch_does(name: str, dtype: torch.dtype) -> None:
    weight = random(50, 96, seed=4)
    weight[3, 32:64] = 1e-37  # no step that has an inverse
    weight[4, :32] *= 1e30
    weight[5] = torch.linspace(-127, 127, 96)
    sample = weight.to(dtype)
    matrix, _held = narrowed(name, sample, None)
    values = int8.rounded(sample)
    assert torch.equal(multiply(name, matrix, torch.eye(96)).T, values)
    assert not values[3, 32:64].any()
    assert torch.equal(values[5, 64:], sample[5, 64:].float().round())  # the step is 1
    largest = sample.float().unflatten(1, (-1, 32)).abs().amax(2, keepdim=True).expand(-1, -1, 32).flatten(1)
    assert ((values - sample.float()).abs() <= largest / 127 * (0.5 + 2**-7) + 1e-36).all()


@built
@on_each
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_does_not_pass_for_one(name: str, bad: float) -> None:
    weight, x = random(40, 96), random(9, 96)
    matrix, _held = narrowed(name, weight, None)
    x[5, 40] = bad
    for rows in (x, x[5:6]):
        assert multiply(name, matrix, rows).isfinite().all(1).sum() == len(rows) - 1
    weight[7, 90] = bad
    matrix, _held = narrowed(name, weight, None)
    assert multiply(name, matrix, x[:5]).isfinite().all(0).logical_not().nonzero().tolist() == [[7]]


@pytest.fixture(scope="module", params=["small", "three layers, groups of 3", "stretched far"])
def weights(request: pytest.FixtureRequest) -> Weights:
    return random_weights(GEOMETRIES[request.param], seed=1)


def read_whole(name: str) -> bool:
    return name == "unembedding.weight" or name.endswith(("qkv.weight", "attn.out.weight"))


@built
def test_a_model_computes_with_the_rounded_weights_and_no_others(weights: Weights, tmp_path: Path) -> None:
    """As in float32 with weights that were rounded before: with the kernels, and in PyTorch."""
    dense = {
        name: int8.rounded(tensor) if read_whole(name) and tensor.shape[1] % 32 == 0 else tensor
        for name, tensor in weights.dense.items()
    }
    path = save_original(weights, tmp_path / "stored")
    rounded = save_original(weights._replace(dense=dense), tmp_path / "rounded")
    ids = prompt(150, weights.geometry.vocabulary)
    exact = logits(NativeModel(whole(Checkpoint(rounded)), torch.float32), [ids])
    stored = logits(NativeModel(whole(Checkpoint(path)), torch.float32), [ids])
    moved = (stored - exact).abs().mean()
    assert 0 < moved < stored.std() / 10  # where another expert is chosen, much
    for name in kernels.supported():
        model = NativeModel(whole(Checkpoint(path)), torch.bfloat16, name, narrow=True)
        bound = 2 if name == "avx512bf16" else 20  # it rounds what the router is multiplied with
        assert (logits(model, [ids]) - exact).abs().mean() < moved / bound
    with torch.inference_mode():
        plain = load_model(whole(Checkpoint(path)), torch.device("cpu"), torch.bfloat16, narrow=True)
    assert (logits(plain, [ids]) - exact).abs().mean() < moved / 2


@built
@on_each
@pytest.mark.parametrize("sizes", [[1], [64], [13, 100]])
def test_any_way_to_cut_a_prompt_gives_the_same_bits(
    weights: Weights, name: str, sizes: list[int], tmp_path: Path
) -> None:
    path = save_original(weights, tmp_path / "model")
    model = NativeModel(whole(Checkpoint(path)), torch.bfloat16, name, narrow=True)
    ids = prompt(200, weights.geometry.vocabulary)
    at_once = logits(model, [ids])
    assert torch.equal(logits(model, pieces(ids, sizes)), at_once)
    with on_threads(1):
        assert torch.equal(logits(model, pieces(ids, sizes)), at_once)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save_original(random_weights(Geometry()), tmp_path / "checkpoint")


def test_what_computes_says_so(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log tells answers apart by it, and keys and values on disk are not taken for others."""
    stored = TorchGenerator(checkpoint, device="cpu")
    monkeypatch.setenv(int8.VARIABLE, "int8")
    narrow = TorchGenerator(checkpoint, device="cpu")
    assert narrow.arithmetic in (
        f"{stored.arithmetic}, dense weights in 8 bits",
        stored.arithmetic.replace("PyTorch,", "PyTorch, dense weights in 8 bits,"),
    )
    assert narrow.arithmetic != stored.arithmetic
    assert narrow._key != stored._key
    assert narrow.fingerprint == stored.fingerprint
    assert TorchGenerator(checkpoint, device="cpu", dense="stored").arithmetic == stored.arithmetic
    plain = TorchGenerator(checkpoint, device="cpu", kernels=NONE)
    assert plain.arithmetic.startswith("PyTorch, dense weights in 8 bits, without")
    ids = prompt(40)
    assert [score.logprob for score in plain.score(ids)] == pytest.approx(
        [score.logprob for score in narrow.score(ids)], abs=0.02
    )


def test_what_cannot_be_is_refused(checkpoint: Path) -> None:
    with pytest.raises(BackendError, match='kept as "int4": set GPTOSS_DENSE to int8 or stored'):
        TorchGenerator(checkpoint, device="cpu", dense="int4")
    with pytest.raises(BackendError, match="for a CPU, and not for float32: set GPTOSS_DENSE to stored"):
        TorchGenerator(checkpoint, device="cpu", dtype="float32", dense="int8")
