"""Keys and values that another process computed: as good as its own, or as good as none."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import safe_open

from gptoss.backends import cached, saved
from gptoss.backends.saved import TAIL
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.torch.native.kernels import NONE
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.ports import TokenChunk
from gptoss.engine.settings import Sampling
from tests.backends.checkpoints import Geometry, random_weights, save_original
from tests.contracts.token_generator import NO_STOP, never, prefilled_of

COUNT = 600
IDS = [3 + n * n % 200 for n in range(COUNT)]
PROMPT = [*IDS, 9, 8, 7, 6]
SAMPLING = Sampling(temperature=1.0, seed=7, max_tokens=8, logprobs=True)
PLENTY = 1 << 30


@pytest.fixture(autouse=True)
def _worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "LEAST", COUNT)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_original(random_weights(Geometry(factor=8.0)), tmp_path_factory.mktemp("saved") / "tiny")


@pytest.fixture(scope="module", params=[None, NONE], ids=["native", "plain"])
def kernels(request: pytest.FixtureRequest) -> str | None:
    found: str | None = request.param
    return found


@pytest.fixture
def opened(checkpoint: Path, kernels: str | None) -> Callable[[], TorchGenerator]:
    return lambda: TorchGenerator(checkpoint, device="cpu", kernels=kernels)


@pytest.fixture(scope="module")
def kept(checkpoint: Path, kernels: str | None, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file as it was written."""
    generator, file = TorchGenerator(checkpoint, device="cpu", kernels=kernels), tmp_path_factory.mktemp("kept") / "a"
    list(generator.prefill(IDS, never))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cached, "LEAST", COUNT)
        assert generator.store([*IDS, 5, 5], file, PLENTY) == COUNT
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    return file.read_bytes()


@pytest.fixture
def file(kept: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "a"
    path.write_bytes(kept)
    return path


def said(generator: TorchGenerator, prompt: list[int]) -> tuple[list[tuple[tuple[int, ...], object]], int]:
    """Tokens with their log probabilities, and how many tokens of the prompt were computed."""
    chunks: list[TokenChunk] = list(generator.generate(prompt, SAMPLING, NO_STOP, never))
    return [(chunk.ids, chunk.logprobs) for chunk in chunks if chunk.ids], prefilled_of(chunks)


def test_what_was_recalled_is_what_would_have_been_computed(opened: Callable[[], TorchGenerator], file: Path) -> None:
    """To the last bit, also where the prompt parts from the file at its end."""
    other = [*IDS[: COUNT - TAIL], *range(20, 40)]
    for prompt, missing in ((PROMPT, 4), (other, 20), (IDS[: COUNT - TAIL + 1], 1)):
        warm = opened()
        assert warm.recall(prompt if prompt == PROMPT else IDS, file) == COUNT
        expected, whole = said(opened(), prompt)
        assert whole == len(prompt)
        assert said(warm, prompt) == (expected, missing)
        assert warm.score(prompt, 590) == opened().score(prompt, 590)


def test_what_parts_earlier_is_computed_anew(opened: Callable[[], TorchGenerator], file: Path) -> None:
    """Since its layers with a window would see what is not there."""
    warm, shorter = opened(), [*IDS[: COUNT - TAIL - 1], 9, 9]
    assert warm.recall(PROMPT, file) == COUNT
    assert prefilled_of(list(warm.prefill(shorter[:-2], never))) == len(shorter) - 2
    assert said(warm, shorter) == (said(opened(), shorter)[0], 2)
    assert said(warm, PROMPT)[0] == said(opened(), PROMPT)[0]


def test_less_than_there_is_already_is_left_alone(opened: Callable[[], TorchGenerator], file: Path) -> None:
    warm = opened()
    expected = said(warm, PROMPT)[0]
    assert warm.recall(PROMPT, file) >= COUNT
    assert said(warm, PROMPT) == (expected, 1)
    assert warm.recall([8, *IDS], file) == 0
    assert warm.recall(IDS[:-1], file) < COUNT  # all of it must be wanted


def test_layers_with_a_window_keep_their_end(file: Path, checkpoint: Path) -> None:
    windows = TorchGenerator(checkpoint, device="cpu")._model.config.windows
    assert None in windows
    with safe_open(file, framework="pt") as found:
        for n, window in enumerate(windows):
            positions = found.get_tensor(f"layer.{n}").shape[1]
            assert positions == (608 if window is None else TAIL + window + 16)


def test_it_is_written_once_and_only_if_it_pays(
    opened: Callable[[], TorchGenerator], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, before = opened(), file.stat()
    assert generator.store(IDS, file, PLENTY) == 0
    assert generator.recall(PROMPT, file) == COUNT
    os.utime(file, (1, 1))
    assert generator.store(PROMPT, file, PLENTY) == COUNT
    assert file.stat().st_ino == before.st_ino
    assert file.stat().st_mtime > 1  # it was used
    list(generator.prefill(PROMPT, never))
    assert generator.store(PROMPT, file, 100_000) == 0
    monkeypatch.setattr(saved, "PATIENCE", -1.0)
    assert generator.store(PROMPT, file, PLENTY) == 0
    assert generator.store(PROMPT, file / "nowhere", PLENTY) == 0
    assert file.stat().st_ino == before.st_ino
    assert list(file.parent.iterdir()) == [file]


def test_what_lacks_something_itself_is_not_written(
    opened: Callable[[], TorchGenerator], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "LEAST", 10)
    generator, other = opened(), [*IDS[: COUNT - 100], *range(20, 190)]
    assert generator.recall(PROMPT, file) == COUNT
    list(generator.prefill(other[: COUNT - 1], never))
    assert generator.store(other, file, PLENTY) == 0
    list(generator.prefill(other[:COUNT], never))
    assert generator.store(other, file, PLENTY) == COUNT
    warm, last = opened(), [*other[: COUNT - TAIL], 4, 4]
    assert warm.recall(other, file) == COUNT
    assert said(warm, last) == (said(opened(), last)[0], 2)


def cut_short(data: bytes) -> bytes:
    return data[:-1]


def altered(data: bytes) -> bytes:
    return data[:-1000] + bytes([data[-1000] ^ 1]) + data[-999:]


def altered_ids(data: bytes) -> bytes:
    begin = 8 + int.from_bytes(data[:8], "little")
    return data[: begin + 4] + bytes([data[begin + 4] ^ 1]) + data[begin + 5 :]


def of_another_release(data: bytes) -> bytes:
    return data.replace(b'"release": "', b'"release": "9', 1)[: len(data)]


def of_another_model(data: bytes) -> bytes:
    at = data.index(b'"model": "') + 10
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def of_another_shape(data: bytes) -> bytes:
    return data.replace(b'"F32"', b'"I32"').replace(b'"BF16"', b'"F16" ')


def nothing(data: bytes) -> bytes:
    return b""


def not_ours(data: bytes) -> bytes:
    return b"\x80\x04\x95" + data


DAMAGES = [cut_short, altered, altered_ids, of_another_release, of_another_model, of_another_shape, nothing, not_ours]


def test_a_file_that_is_not_as_it_must_be_changes_nothing(
    opened: Callable[[], TorchGenerator], file: Path, kept: bytes
) -> None:
    generator = opened()
    list(generator.prefill(PROMPT[:40], never))
    for damage in DAMAGES:
        file.write_bytes(damage(kept))
        assert generator.recall(PROMPT, file) == 40, damage.__name__
    for make in (file.unlink, file.mkdir):
        make()
        assert generator.recall(PROMPT, file) == 40
    assert said(generator, PROMPT[:50]) == (said(opened(), PROMPT[:50])[0], 10)


def test_weights_that_were_written_anew_are_other_weights(
    file: Path, opened: Callable[[], TorchGenerator], kernels: str | None, tmp_path: Path
) -> None:
    """Also where the fingerprint, which looks at a sample, sees no difference."""
    weights = random_weights(Geometry(factor=8.0))
    weights.dense["embedding.weight"][IDS[1]] += 1
    other = TorchGenerator(save_original(weights, tmp_path / "other"), device="cpu", kernels=kernels)
    assert other.fingerprint == opened().fingerprint
    assert other.recall(PROMPT, file) == 0


def test_a_device_that_fails_is_an_error_of_ours(
    opened: Callable[[], TorchGenerator], file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = opened()
    list(generator.prefill(PROMPT, never))
    monkeypatch.setattr(type(generator._cache), "rows", property(lambda cache: gone()))
    with pytest.raises(GenerationFailed, match="an illegal memory access"):
        generator.store([*PROMPT, 5], file, PLENTY)


def gone() -> None:
    raise RuntimeError("an illegal memory access was encountered")


def test_other_arithmetic_is_another_model(checkpoint: Path, file: Path, kernels: str | None) -> None:
    other = TorchGenerator(checkpoint, device="cpu", kernels=None if kernels == NONE else NONE)
    assert other.recall(PROMPT, file) == 0
    exact = TorchGenerator(checkpoint, device="cpu", kernels=kernels, dtype="float32")
    assert exact.recall(PROMPT, file) == 0
