"""The shipped file becomes an ordinary checkpoint, once."""

import errno
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gptoss.backends.demo import materialise as module
from gptoss.backends.demo.codes import NO_PIECE, codes
from gptoss.backends.demo.materialise import SHIPPED, materialise
from gptoss.engine.errors import CheckpointError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materialise(tmp_path_factory.mktemp("cache"))


def tensor(path: Path, name: str) -> np.ndarray:
    """The bits of a bf16 tensor, uint16."""
    data = np.memmap(path, np.uint8, "r")
    length = int.from_bytes(bytes(data[:8]), "little")
    entry = json.loads(bytes(data[8 : 8 + length]))[name]
    first, last = (8 + length + offset for offset in entry["data_offsets"])
    return data[first:last].view(np.uint16).reshape(entry["shape"])


def test_it_is_a_hugging_face_checkpoint(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["GptOssForCausalLM"]
    assert config["quantization_config"]["quant_method"] == "mxfp4"
    assert tensor(folder / "model.safetensors", "lm_head.weight").shape == (201_088, config["hidden_size"])


def test_it_asks_to_be_sampled_greedily(folder: Path) -> None:
    assert json.loads((folder / "generation_config.json").read_text())["do_sample"] is False


def test_tokens_with_a_row_have_it_and_others_differ_by_their_codes_alone(folder: Path) -> None:
    shipped = load_file(SHIPPED)
    ids = shipped["rows.ids"].long()
    for full, name in (("model.embed_tokens.weight", "embed_tokens"), ("lm_head.weight", "lm_head")):
        matrix = tensor(folder / "model.safetensors", full)
        own = shipped[f"rows.{name}"]
        assert np.array_equal(matrix[ids.numpy()], own.view(torch.uint16).numpy())
        shape = shipped["shared.shape"].long()
        code = codes(len(shape))
        scale = shipped[f"code.{name}"].numpy()
        expected = shipped[f"shared.{name}"][shape].numpy()
        expected[:, :64] += code * scale[0]
        if name == "embed_tokens":
            pieces = np.pad(shipped["pieces.spelling"].numpy(), ((0, 0), (0, 0), (0, 1))).view(np.int32)[..., 0]
            for piece in range(2):
                there = pieces[:, piece] != NO_PIECE
                words = shipped["pieces.ids"].numpy()[there]
                expected[words, 64 * (piece + 1) : 64 * (piece + 2)] += code[pieces[there, piece]] * scale[1]
        rare = np.setdiff1d(np.arange(len(shape)), ids.numpy())[::97]
        found = (matrix[rare].astype(np.uint32) << 16).view(np.float32)
        assert np.allclose(found, expected[rare], rtol=2**-8, atol=1e-6)


def test_the_second_time_nothing_is_written(folder: Path) -> None:
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert materialise(folder.parent) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_many_at_once_agree_and_leave_nothing_behind(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: materialise(tmp_path), range(4)))
    assert [folder.name for folder in tmp_path.iterdir()] == [folder.name for folder in folders]


def test_another_release_gets_another_folder(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "other.safetensors"
    data = SHIPPED.read_bytes()
    other.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert materialise(tmp_path, shipped=other).name != folder.name


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = materialise(tmp_path, lambda written, size: told.append((written, size)))
    assert told == sorted(told)
    assert told[-1] == ((folder / "model.safetensors").stat().st_size,) * 2


def test_a_full_disk_gets_a_sentence_and_is_left_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(CheckpointError, match="free 160 MB"):
        materialise(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(CheckpointError, match="cannot unpack the demonstration model"):
        materialise(tmp_path / "cache")


@pytest.mark.parametrize("damage", [b"", b"{}", b"\x08\0\0\0\0\0\0\0{}      ", b"\xff" * 64])
def test_a_damaged_file_gets_a_sentence(tmp_path: Path, damage: bytes) -> None:
    shipped = tmp_path / "demo.safetensors"
    shipped.write_bytes(damage)
    with pytest.raises(CheckpointError, match="damaged"):
        materialise(tmp_path / "cache", shipped=shipped)


def test_a_missing_file_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="install gptoss again"):
        materialise(tmp_path, shipped=tmp_path / "nowhere")


def test_a_broken_leftover_is_not_taken_for_a_checkpoint(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(folder, tmp_path / f".{folder.name}-left")
    assert materialise(tmp_path) == tmp_path / folder.name


def test_codes_are_fixed_for_ever() -> None:
    # The shipped rows hold them: another hash would make another model.
    assert codes(3)[2, :16].tolist() == [-1, 1, -1, -1, 1, 1, 1, 1, -1, 1, -1, -1, -1, 1, -1, 1]
    assert len({row.tobytes() for row in codes(5000)}) == 5000
