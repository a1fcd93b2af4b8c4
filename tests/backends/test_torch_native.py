"""The native kernels: exact, the same bits for a row however it is computed, and done without where there are none.

Every instruction set is compiled; those that this processor has are run.
"""

import itertools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.parallel.shard import whole
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.torch.native import kernels
from gptoss.backends.torch.native.kernels import INSTRUCTIONS, NONE, PORTABLE, Matrix, Unavailable
from gptoss.backends.torch.native.model import NativeModel
from gptoss.backends.torch.threads import on_threads
from gptoss.engine.errors import BackendError
from tests.backends.checkpoints import Geometry, Weights, random_weights, save_huggingface, save_original
from tests.backends.test_torch_model import (
    GEOMETRIES,
    logits,
    pieces,
    prompt,
    stops_between_two_layers,
    transformers_logits,
)

built = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler, so PyTorch does the work"
)
on_each = pytest.mark.parametrize("name", kernels.supported())
FUSED = [name for name in kernels.supported() if name in ("avx2", "avx512")]
"""Those that promise the same bits as each other."""
FIXED = [name for name in kernels.supported() if name != PORTABLE]
"""Those that multiply MXFP4 in fixed point, which promise the same bits for that."""


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def multiply(name: str, matrix: Matrix, x: torch.Tensor, exact: bool = False) -> torch.Tensor:
    y = torch.full((len(x), matrix.out), float("nan"))
    x = x.contiguous()
    library = kernels.load(name, exact=exact)
    assert library.product(matrix, y.data_ptr(), x.data_ptr(), len(x), torch.get_num_threads()) == 0
    return y


class Sample:
    """A random matrix as the kernels read it, and its exact values. They end where their memory does."""

    def __init__(self, kind: int, out: int, inner: int) -> None:
        self.bias = random(out, seed=1)
        scales = None
        if kind == kernels.MXFP4:
            bits = torch.Generator().manual_seed(2)
            blocks = torch.randint(0, 256, (out, inner // 32, 16), dtype=torch.uint8, generator=bits)
            scales = torch.randint(110, 130, (out, inner // 32), dtype=torch.uint8, generator=bits)
            self.held, self.values = (blocks, scales), Mxfp4Matrix(blocks, scales).dequantise()
        else:
            weight = random(out, inner).to(torch.float32 if kind == kernels.FLOAT32 else torch.bfloat16)
            self.held, self.values = (weight,), weight
        places = [tensor.data_ptr() for tensor in self.held]
        self.matrix = Matrix(
            places[0], places[1] if scales is not None else None, self.bias.data_ptr(), out, inner, kind
        )

    def product(self, x: torch.Tensor) -> torch.Tensor:
        return x.double() @ self.values.double().T + self.bias.double()


def rounding(x: torch.Tensor) -> torch.Tensor:
    """The most by which an input is moved in fixed point: 2**-15 of the largest one of its 32."""
    groups = x.double().abs().unflatten(1, (-1, 32))
    return groups.amax(2, keepdim=True).mul(2**-15).expand_as(groups).flatten(1)


SHAPES = [(1, 1), (3, 31), (8, 64), (17, 33), (300, 200), (70, 333), (1000, 96), (33, 2880), (5, 9000)]


@built
@on_each
@pytest.mark.parametrize(
    ("kind", "exact"),
    [*itertools.product([kernels.FLOAT32, kernels.BFLOAT16, kernels.MXFP4], [False, True])],
    ids=["float32", "exact float32", "bfloat16", "exact bfloat16", "MXFP4", "exact MXFP4"],
)
@pytest.mark.parametrize(("out", "inner"), SHAPES)
def test_products_are_right_and_rows_do_not_depend_on_each_other(
    name: str, kind: int, exact: bool, out: int, inner: int
) -> None:
    if kind == kernels.MXFP4:
        inner = -(-inner // 32) * 32
    if kind == kernels.FLOAT32 and not exact and name == "avx512bf16":
        pytest.skip("it multiplies bfloat16 only, but when it is to be exact")
    sample, x = Sample(kind, out, inner), random(101, inner, seed=3)
    result = multiply(name, sample.matrix, x, exact)
    if name == "avx512bf16" and kind == kernels.BFLOAT16 and not exact:
        x = x.bfloat16()
    noise = 2e-6 * (x.double().abs() @ sample.values.double().abs().T)
    if kind == kernels.MXFP4 and name in FIXED and not exact:
        noise += rounding(x) @ sample.values.double().abs().T
    assert ((result - sample.product(x)).abs() <= noise + 1e-6).all()
    x = x.float()
    for begin, count in [(0, 1), (100, 1), (7, 1), (0, 2), (99, 2), (3, 5), (50, 49), (0, 64)]:
        part = multiply(name, sample.matrix, x[begin : begin + count], exact)
        assert torch.equal(part, result[begin : begin + count])
    with on_threads(1):
        assert torch.equal(multiply(name, sample.matrix, x, exact), result)


@built
@pytest.mark.skipif(not FUSED, reason="this processor has no fused multiplication")
@pytest.mark.parametrize("scale", [1e-38, 1e-9, 1.0, 1e9, 1e30])
def test_inputs_in_fixed_point_are_multiples_of_a_power_of_two(scale: float) -> None:
    """Of 14 bits below the largest: such inputs come through without loss, all others are the nearest of them."""
    sample = Sample(kernels.MXFP4, 40, 96)
    x = random(7, 96, seed=4).sign() * torch.randint(0, 1 << 14, (7, 96), generator=torch.Generator().manual_seed(5))
    x[:, ::32] = 32511
    for name in FIXED:
        if scale == 1.0:
            exact = sample.product(x)
            assert ((multiply(name, sample.matrix, x) - exact).abs() <= 1e-6 * (exact.abs() + 2e5)).all()
        moved = (multiply(name, sample.matrix, x * scale) - sample.product(x * scale)).abs()
        noise = rounding(x * scale) + 2e-6 * (x * scale).double().abs()
        assert (moved <= noise @ sample.values.double().abs().T + 1e-6).all()


@built
@pytest.mark.skipif(not FUSED, reason="this processor has no fused multiplication")
@pytest.mark.parametrize("code", [0x77, 0xFF, 0x7F], ids=["6", "-6", "both"])
@pytest.mark.parametrize("x", [32511.0, 32384.0, -32511.0, -32384.0])
def test_sums_have_room_for_the_largest_inputs_and_weights(code: int, x: float) -> None:
    """The bytes of 32,384 are 127 and -128, the largest of both kinds."""
    blocks, scales = torch.full((9, 1, 16), code, dtype=torch.uint8), torch.full((9, 1), 127, dtype=torch.uint8)
    matrix = Matrix(blocks.data_ptr(), scales.data_ptr(), None, 9, 32, kernels.MXFP4)
    expected = Mxfp4Matrix(blocks, scales).dequantise().float().sum(1) * x
    for name in FIXED:
        for rows in (1, 5):
            assert torch.equal(multiply(name, matrix, torch.full((rows, 32), x)), expected.expand(rows, -1))


@built
@on_each
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_does_not_pass_for_one(name: str, bad: float) -> None:
    sample, x = Sample(kernels.MXFP4, 40, 96), random(9, 96)
    x[5, 40] = bad
    for rows in (x, x[5:6]):
        finite = multiply(name, sample.matrix, rows).isfinite()
        assert not finite[-4 if len(rows) > 1 else 0].any()
        assert finite.all(1).sum() == len(rows) - 1


@built
@pytest.mark.skipif(not FUSED, reason="this processor has no fused multiplication")
@pytest.mark.parametrize("kind", [kernels.FLOAT32, kernels.BFLOAT16, kernels.MXFP4])
@pytest.mark.parametrize("exact", [False, True])
def test_the_width_of_the_registers_does_not_show(kind: int, exact: bool) -> None:
    sample, x = Sample(kind, 50, 320), random(9, 320)
    names = FIXED if kind == kernels.MXFP4 or exact else FUSED
    results = [multiply(name, sample.matrix, x, exact) for name in names]
    assert all(torch.equal(result, results[0]) for result in results)


@built
@on_each
def test_memory_that_runs_out_is_reported(name: str) -> None:
    sample, x = Sample(kernels.BFLOAT16, 8, 64), random(1, 64)
    assert kernels.load(name).product(sample.matrix, x.data_ptr(), x.data_ptr(), 1 << 50, 1) == 1


@built
@on_each
def test_every_value_of_mxfp4_at_every_scale(name: str) -> None:
    """Bit for bit, up to the largest that float32 has room for."""
    scales = torch.arange(253, dtype=torch.uint8).unsqueeze(1)
    count = len(scales)
    blocks = (torch.arange(16) % 16 + (15 - torch.arange(16)) * 16).to(torch.uint8).expand(count, 1, 16).contiguous()
    matrix = Matrix(blocks.data_ptr(), scales.data_ptr(), None, count, 32, kernels.MXFP4)
    actual = torch.stack([multiply(name, matrix, x.unsqueeze(0))[0] for x in torch.eye(32)], 1)
    assert torch.equal(actual, Mxfp4Matrix(blocks, scales).dequantise().float())


@pytest.fixture(scope="module", params=GEOMETRIES)
def weights(request: pytest.FixtureRequest) -> Weights:
    return random_weights(GEOMETRIES[request.param], seed=1)


@built
def test_logits_are_those_of_transformers(weights: Weights, tmp_path: Path) -> None:
    """From every layout, on every instruction set. In float32 all layouts of the same weights give the same bits, and
    packed ones always do."""
    unpacked = save_huggingface(weights, tmp_path / "unpacked", packed=False)
    packed = save_huggingface(weights, tmp_path / "packed", packed=True, shards=2)
    original = save_original(weights, tmp_path / "original")
    ids = prompt(300, weights.geometry.vocabulary)
    exact = transformers_logits(unpacked, ids, torch.float32)
    noise = (transformers_logits(unpacked, ids, torch.bfloat16) - exact).abs().mean()

    def result(path: Path, dtype: torch.dtype, name: str) -> torch.Tensor:
        return logits(NativeModel(whole(Checkpoint(path)), dtype, name), [ids])

    for name in kernels.supported():
        reference = result(original, torch.bfloat16, name)
        assert torch.equal(result(packed, torch.bfloat16, name), reference)
        if name in FUSED:
            assert (reference - exact).abs().mean() <= noise / 20
            torch.testing.assert_close(result(unpacked, torch.bfloat16, name), exact, atol=2e-4, rtol=1e-4)
        elif name == PORTABLE:
            assert torch.equal(result(unpacked, torch.bfloat16, name), reference)
            torch.testing.assert_close(reference, exact, atol=2e-4, rtol=1e-4)
        else:
            for found in (reference, result(unpacked, torch.bfloat16, name)):
                assert (found - exact).abs().mean() <= noise
        wide = result(original, torch.float32, name)
        torch.testing.assert_close(wide, exact, atol=2e-4, rtol=1e-4)
        for path in (packed, unpacked):
            assert torch.equal(result(path, torch.float32, name), wide)


@built
@on_each
@pytest.mark.parametrize("sizes", [[1], [2, 1, 7], [64], [240, 1, 1], [13, 100]])
def test_any_way_to_cut_a_prompt_gives_the_same_bits(
    weights: Weights, name: str, sizes: list[int], tmp_path: Path
) -> None:
    """Decoding is the cut into single tokens. Past the window, and past the first growth of the cache."""
    model = NativeModel(whole(Checkpoint(save_original(weights, tmp_path / "model"))), torch.bfloat16, name)
    ids = prompt(600, weights.geometry.vocabulary)
    at_once = logits(model, [ids])
    assert torch.equal(logits(model, pieces(ids, sizes)), at_once)
    with on_threads(1):
        assert torch.equal(logits(model, pieces(ids, sizes)), at_once)


@built
@on_each
def test_what_a_cache_held_beyond_a_prefix_leaves_no_trace(name: str, tmp_path: Path) -> None:
    path = save_original(random_weights(Geometry()), tmp_path / "model")
    model = NativeModel(whole(Checkpoint(path)), torch.bfloat16, name)
    ids = prompt(200)
    other = [*ids[:150], *prompt(60)]
    cache = model.new_cache()
    model.forward(ids, cache)
    assert cache.keep(other[:-1]) == 150
    assert torch.equal(model.forward(other[150:], cache), model.forward(other, model.new_cache())[150:])


@built
def test_a_prompt_stops_between_two_layers(tmp_path: Path) -> None:
    model = NativeModel(
        whole(Checkpoint(save_original(random_weights(Geometry()), tmp_path / "model"))), torch.bfloat16
    )
    stops_between_two_layers(model)

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.forward(prompt(9), model.new_cache(), interrupted)


@built
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped where")
@pytest.mark.parametrize("layout", ["original", "Hugging Face"])
def test_packed_weights_stay_in_the_file(layout: str, tmp_path: Path) -> None:
    weights = random_weights(Geometry())
    if layout == "original":
        path = save_original(weights, tmp_path / "model")
    else:
        path = save_huggingface(weights, tmp_path / "model", packed=True)
    model = NativeModel(whole(Checkpoint(path)), torch.bfloat16)
    mapped = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(str(path / "model.safetensors")):
            begin, end = (int(place, 16) for place in line.split()[0].split("-"))
            mapped.append(range(begin, end))
    layer = model._layers[1]
    matrices = [*layer.qkv, layer.out, layer.router, layer.up[3], layer.down[0], model._model.unembedding]
    assert all(any(matrix.weights in part for part in mapped) for matrix in matrices)


@built
def test_weights_of_float32_are_read_as_they_are_or_rounded(tmp_path: Path) -> None:
    weights = random_weights(Geometry())
    wide = weights._replace(dense={name: tensor.float() for name, tensor in weights.dense.items()})
    narrow, wide_path = save_original(weights, tmp_path / "narrow"), save_original(wide, tmp_path / "wide")
    ids = prompt(40)
    expected = logits(NativeModel(whole(Checkpoint(narrow)), torch.float32), [ids])
    for dtype in (torch.bfloat16, torch.float32):
        same = logits(NativeModel(whole(Checkpoint(wide_path)), dtype, PORTABLE), [ids])
        torch.testing.assert_close(same, expected, atol=2e-4, rtol=1e-4)


@built
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_instruction_set_compiles(name: str, exact: bool, tmp_path: Path) -> None:
    if name != PORTABLE and platform.machine() != "x86_64":
        pytest.skip("the compiler is one for another processor")
    kernels.load.__wrapped__(name, tmp_path / "kernels", exact=exact)
    (library,) = (tmp_path / "kernels").iterdir()
    assert library.name.startswith(f"{name}-")


@built
def test_what_was_built_is_used_again(tmp_path: Path) -> None:
    kernels.load.__wrapped__(PORTABLE, tmp_path)
    (library,) = tmp_path.iterdir()
    built_at = library.stat().st_mtime_ns
    kernels.load.__wrapped__(PORTABLE, tmp_path)
    assert [path.stat().st_mtime_ns for path in tmp_path.iterdir()] == [built_at]


@built
@pytest.mark.parametrize(
    ("mine", "expected"), [({}, "10000"), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")]
)
def test_threads_wait_for_each_other_briefly(checkpoint: Path, mine: dict[str, str], expected: str) -> None:
    """As GCC's library for them reports, PyTorch's copy or the system's. What the user says counts, and stays."""
    program = (
        "import os\nfrom pathlib import Path\nfrom gptoss.backends.opening import open_generator\n"
        f"before = dict(os.environ)\nopen_generator('torch', Path({str(checkpoint)!r}))\n"
        "print({name for name in os.environ if os.environ[name] != before.get(name)})"
    )
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE", **mine}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert "GOMP_SPINCOUNT" not in result.stdout
    reports = [line for line in result.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    assert all(f"'{expected}'" in line for line in reports)
    assert reports or sys.platform != "linux"


def test_the_fastest_instruction_set_is_chosen(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    expected = {"sse2": PORTABLE, "avx2 fma f16c": "avx2"}
    expected["avx2 fma f16c avx512f avx512bw avx512dq avx512vl"] = "avx512"
    expected["avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512_bf16"] = "avx512bf16"
    for flags, best in expected.items():
        cpuinfo.write_text(f"processor : 0\nflags\t\t: fpu {flags}\n")
        assert kernels.supported.__wrapped__(cpuinfo)[0] == best
    assert kernels.supported.__wrapped__(tmp_path / "none") == (PORTABLE,)


def test_an_instruction_set_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, "abacus")
    with pytest.raises(
        BackendError, match=r'no kernels "abacus" can run here: set GPTOSS_KERNELS to .*portable or none'
    ):
        kernels.instructions()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save_original(random_weights(Geometry()), tmp_path / "checkpoint")


@built
def test_the_generator_computes_with_them(checkpoint: Path) -> None:
    assert TorchGenerator(checkpoint, device="cpu").arithmetic == f"native kernels for {kernels.supported()[0]}"
    assert TorchGenerator(checkpoint, device="cpu", kernels=PORTABLE).arithmetic == "native kernels for portable"


def test_without_them_it_computes_with_pytorch(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(kernels.VARIABLE, NONE)
    plain = TorchGenerator(checkpoint, device="cpu")
    assert plain.arithmetic == 'PyTorch, without the faster native kernels: GPTOSS_KERNELS is "none"'
    monkeypatch.delenv(kernels.VARIABLE)
    expected = [score.logprob for score in TorchGenerator(checkpoint, device="cpu", dtype="float32").score(prompt(40))]
    assert [score.logprob for score in plain.score(prompt(40))] == pytest.approx(expected, abs=0.05)


def broken_compiler(folder: Path) -> str:
    compiler = folder / "broken-cc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    return str(compiler)


def test_a_machine_without_a_compiler_says_so_and_works(checkpoint: Path, tmp_path: Path) -> None:
    """In a process of its own, with an empty cache and nothing on its path."""
    program = (
        "from gptoss.backends.torch.generator import TorchGenerator\nfrom pathlib import Path\n"
        f"generator = TorchGenerator(Path({str(checkpoint)!r}), device='cpu')\n"
        "print(generator.arithmetic, len(generator.score([3, 4, 5])))"
    )
    environment = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "CC": ""}
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.endswith("kernels: there is no C compiler: install gcc or clang 2\n")


def test_a_compiler_that_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", broken_compiler(tmp_path))
    with pytest.raises(Unavailable, match=r"broken-cc cannot compile them .* name another compiler in CC"):
        kernels.load.__wrapped__(PORTABLE, tmp_path / "kernels")
    assert list((tmp_path / "kernels").iterdir()) == []


@built
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"cannot be kept in .*file/kernels"):
        kernels.load.__wrapped__(PORTABLE, tmp_path / "file" / "kernels")
