"""Each published layout opens; each way to be broken gets a sentence that names the file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.files import sampling_defaults
from gptoss.backends.layouts import dense_tensors, expert_tensors
from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.engine.errors import CheckpointError
from gptoss.engine.settings import Sampling
from tests.backends.checkpoints import Geometry, Weights, random_weights, save_huggingface, save_original

LAYOUTS: dict[str, Callable[[Weights, Path], Path]] = {
    "original": save_original,
    "huggingface": lambda weights, folder: save_huggingface(weights, folder, packed=True),
    "sharded": lambda weights, folder: save_huggingface(weights, folder, packed=True, shards=3),
    "unpacked": lambda weights, folder: save_huggingface(weights, folder, packed=False),
}


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(Geometry())


@pytest.fixture
def original(weights: Weights, tmp_path: Path) -> Path:
    return save_original(weights, tmp_path / "original-layout")


@pytest.fixture
def huggingface(weights: Weights, tmp_path: Path) -> Path:
    return save_huggingface(weights, tmp_path / "huggingface-layout", packed=True, shards=3)


def same_weights(checkpoint: Checkpoint, weights: Weights) -> bool:
    dense = all(
        torch.equal(checkpoint.tensor(name), weights.dense[name]) for name, _ in dense_tensors(checkpoint.config)
    )
    experts = True
    for name, (count, *_) in expert_tensors(checkpoint.config):
        for expert in range(count):
            matrix = checkpoint.expert(name, expert)
            if isinstance(matrix, Mxfp4Matrix):
                matrix = matrix.dequantise()
            experts &= torch.equal(matrix, weights.expert(name)[expert])
    return dense and experts


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_tensors(weights: Weights, tmp_path: Path, layout: str) -> None:
    checkpoint = Checkpoint(LAYOUTS[layout](weights, tmp_path / layout))
    assert same_weights(checkpoint, weights)
    checkpoint.close()


def test_equal_weights_have_one_fingerprint(weights: Weights, tmp_path: Path) -> None:
    prints = {Checkpoint(save(weights, tmp_path / layout)).fingerprint for layout, save in LAYOUTS.items()}
    assert len(prints) == 1
    (only,) = prints
    assert len(only) == 32
    assert Checkpoint(tmp_path / "original").fingerprint == only


@pytest.mark.parametrize("name", ["embedding.weight", "block.1.attn.qkv.weight", "block.0.attn.sinks", "norm.scale"])
def test_other_weights_have_another_fingerprint(weights: Weights, original: Path, name: str) -> None:
    before = Checkpoint(original).fingerprint
    tensors = load_file(original / "model.safetensors")
    tensors[name] = tensors[name] * 1.01
    save_file(tensors, original / "model.safetensors")
    assert Checkpoint(original).fingerprint != before


def test_other_experts_or_geometry_have_another_fingerprint(weights: Weights, original: Path) -> None:
    before = Checkpoint(original).fingerprint
    config = json.loads((original / "config.json").read_text())
    (original / "config.json").write_text(json.dumps(config | {"swiglu_limit": 6.0}))
    reconfigured = Checkpoint(original).fingerprint
    tensors = load_file(original / "model.safetensors")
    tensors["block.1.mlp.mlp2_weight.scales"] += 1
    save_file(tensors, original / "model.safetensors")
    assert len({before, reconfigured, Checkpoint(original).fingerprint}) == 3


def test_a_single_file_with_its_config_beside_it(weights: Weights, original: Path) -> None:
    assert same_weights(Checkpoint(original / "model.safetensors"), weights)


def test_one_shard_stands_for_all(weights: Weights, huggingface: Path) -> None:
    assert same_weights(Checkpoint(huggingface / "model-00002-of-00003.safetensors"), weights)


def test_the_folder_original_in_a_download(weights: Weights, original: Path, tmp_path: Path) -> None:
    download = tmp_path / "download"
    download.mkdir()
    (download / "README.md").write_text("weights in original/")
    shutil.move(original, download / "original")
    assert same_weights(Checkpoint(download), weights)


def test_tensors_outlive_the_files(weights: Weights, original: Path) -> None:
    checkpoint = Checkpoint(original)
    embedding = checkpoint.tensor("embedding.weight")
    checkpoint.close()
    assert torch.equal(embedding, weights.dense["embedding.weight"])


class TestBroken:
    def fails(self, path: Path, complaint: str) -> None:
        with pytest.raises(CheckpointError, match=complaint) as caught:
            Checkpoint(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_nothing_there(self, tmp_path: Path) -> None:
        self.fails(tmp_path / "nowhere", "there is no checkpoint")
        self.fails(tmp_path / "nowhere.safetensors", "there is no checkpoint")

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        self.fails(tmp_path, r"no \.safetensors file")

    def test_another_kind_of_file(self, tmp_path: Path) -> None:
        (tmp_path / "model.gguf").write_bytes(b"GGUF")
        self.fails(tmp_path / "model.gguf", r"folder or a \.safetensors file")

    def test_no_config(self, original: Path) -> None:
        (original / "config.json").unlink()
        self.fails(original, r"no config\.json")
        self.fails(original / "model.safetensors", r"lacks a config\.json beside it")

    @pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\xff" * 64], ids=["empty", "text", "noise"])
    def test_a_file_that_holds_something_else(self, original: Path, content: bytes) -> None:
        (original / "model.safetensors").write_bytes(content)
        self.fails(original, "damaged or incomplete")

    @pytest.mark.parametrize("kept", [7, 1000, -1])
    def test_a_truncated_file(self, original: Path, kept: int) -> None:
        file = original / "model.safetensors"
        file.write_bytes(file.read_bytes()[:kept])
        self.fails(original, "damaged or incomplete")

    def test_a_missing_shard(self, huggingface: Path) -> None:
        (huggingface / "model-00002-of-00003.safetensors").unlink()
        self.fails(huggingface, "model-00002-of-00003.safetensors is missing")

    @pytest.mark.parametrize("index", ["", "{}", "[]", '{"weight_map": {"a": 1}}'])
    def test_a_damaged_index(self, huggingface: Path, index: str) -> None:
        (huggingface / "model.safetensors.index.json").write_text(index)
        self.fails(huggingface, "index.json")

    def test_weights_of_another_model(self, original: Path) -> None:
        save_file({"transformer.wte.weight": torch.zeros(3)}, original / "model.safetensors")
        self.fails(original, "no gpt-oss weights")

    @pytest.mark.parametrize(
        "name",
        ["norm.scale", "block.1.attn.sinks", "block.0.mlp.mlp1_weight.blocks", "block.1.mlp.mlp2_weight.scales"],
    )
    def test_a_missing_tensor(self, original: Path, name: str) -> None:
        tensors = load_file(original / "model.safetensors")
        del tensors[name]
        save_file(tensors, original / "model.safetensors")
        self.fails(original, f"{name} is missing")

    def test_a_missing_layer(self, original: Path) -> None:
        config = json.loads((original / "config.json").read_text())
        (original / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
        self.fails(original, r"block\.2\.attn\.norm\.scale is missing")

    def test_a_wrong_shape(self, original: Path, huggingface: Path) -> None:
        for folder, name in ((original, "block.0.attn.qkv.weight"), (huggingface, "self_attn.q_proj.weight")):
            config = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps(config | {"num_attention_heads": 8}))
            self.fails(folder, rf"does not fit its config\.json: .*{name} has the shape \[\d+, 64\]")

    def test_a_type_that_no_layout_has(self, original: Path) -> None:
        tensors = load_file(original / "model.safetensors")
        tensors["norm.scale"] = tensors["norm.scale"].to(torch.float8_e4m3fn)
        save_file(tensors, original / "model.safetensors")
        self.fails(original, "norm.scale as F8_E4M3")

    def test_experts_that_mxfp4_cannot_hold(self, original: Path) -> None:
        config = json.loads((original / "config.json").read_text())
        (original / "config.json").write_text(json.dumps(config | {"intermediate_size": 100}))
        self.fails(original, "does not fit|no multiple of 32")


class TestSamplingDefaults:
    def read(self, folder: Path, content: str) -> Sampling:
        (folder / "generation_config.json").write_text(content)
        return sampling_defaults(folder)

    def test_without_a_file_they_are_those_of_the_engine(self, tmp_path: Path) -> None:
        assert sampling_defaults(tmp_path) == Sampling()

    def test_what_is_stated_counts(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, '{"do_sample": true, "temperature": 0.6}') == Sampling(temperature=0.6)
        assert self.read(tmp_path, '{"top_p": 0.9, "eos_token_id": [200002]}') == Sampling(top_p=0.9)
        assert self.read(tmp_path, '{"do_sample": false, "temperature": 0.6}') == Sampling(temperature=0.0)

    def test_a_file_path_means_its_folder(self, tmp_path: Path) -> None:
        self.read(tmp_path, '{"temperature": 0.6}')
        (tmp_path / "model.safetensors").touch()
        assert sampling_defaults(tmp_path / "model.safetensors").temperature == 0.6

    @pytest.mark.parametrize("content", ["", "[]", '{"temperature": "hot"}', '{"top_p": -1}', '{"temperature": true}'])
    def test_nonsense_is_refused(self, tmp_path: Path, content: str) -> None:
        with pytest.raises(CheckpointError, match=r"generation_config\.json"):
            self.read(tmp_path, content)
