"""The copy of a checkpoint that vLLM loads is the same model."""

import json
from collections import namedtuple
from contextlib import closing
from pathlib import Path

import pytest
import torch

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.vllm import folder as copying
from gptoss.backends.vllm.folder import loadable
from gptoss.engine.errors import CheckpointError
from tests.backends.checkpoints import Geometry, Weights, random_weights, save_huggingface, save_original


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(Geometry())


def copy(path: Path, cache: Path, *, on_cpu: bool) -> Path:
    with closing(Checkpoint(path)) as checkpoint:
        return loadable(checkpoint, cache, on_cpu=on_cpu)


@pytest.mark.parametrize("on_cpu", [True, False])
@pytest.mark.parametrize("layout", ["original", "huggingface"])
def test_it_is_the_same_model(weights: Weights, tmp_path: Path, layout: str, on_cpu: bool) -> None:
    path = tmp_path / "source"
    save_original(weights, path) if layout == "original" else save_huggingface(weights, path, packed=True)
    (path / "generation_config.json").write_text('{"do_sample": false}')
    made = copy(path, tmp_path / "cache", on_cpu=on_cpu)
    if layout == "huggingface" and not on_cpu:
        assert made == path, "vLLM loads it as it is"
        return
    with closing(Checkpoint(path)) as source, closing(Checkpoint(made)) as result:
        assert result.layout.name == "Hugging Face"
        assert result.config == source.config
        assert result.fingerprint == source.fingerprint
        for expert in range(weights.geometry.experts):
            name = "block.1.mlp.mlp1_weight"
            one, other = source.expert(name, expert), result.expert(name, expert)
            assert isinstance(other, torch.Tensor) == on_cpu
            plain = [matrix if isinstance(matrix, torch.Tensor) else matrix.dequantise() for matrix in (one, other)]
            assert torch.equal(*plain)
        name = "block.0.attn.qkv.weight"
        assert torch.equal(source.tensor(name), result.tensor(name))
    assert (made / "generation_config.json").read_text() == '{"do_sample": false}'
    config = json.loads((made / "config.json").read_text())
    assert ("quantization_config" in config) == (not on_cpu)


def test_unpacked_weights_need_no_copy(weights: Weights, tmp_path: Path) -> None:
    path = save_huggingface(weights, tmp_path / "source", packed=False)
    assert copy(path, tmp_path / "cache", on_cpu=True) == path


def test_it_is_made_once(weights: Weights, tmp_path: Path) -> None:
    path = save_original(weights, tmp_path / "source")
    first = copy(path, tmp_path / "cache", on_cpu=True)
    before = (first / "config.json").stat().st_mtime_ns
    assert copy(path, tmp_path / "cache", on_cpu=True) == first
    assert (first / "config.json").stat().st_mtime_ns == before
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == [first.name]


def test_without_room_it_says_so(weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(copying.shutil, "disk_usage", lambda path: usage(1, 1, 1000))
    path = save_original(weights, tmp_path / "source")
    with pytest.raises(CheckpointError, match="make room there, or use the torch backend"):
        copy(path, tmp_path / "cache", on_cpu=True)


def test_where_nothing_can_be_written_it_says_so(weights: Weights, tmp_path: Path) -> None:
    path = save_original(weights, tmp_path / "source")
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="cannot write vLLM's copy"):
        copy(path, tmp_path / "cache", on_cpu=True)
