"""Backends open by name, and say what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from gptoss.backends.opening import open_generator
from gptoss.engine.errors import BackendError, CheckpointError
from tests.backends.checkpoints import Geometry, random_weights, save_original


def test_auto_opens_a_checkpoint(tmp_path: Path) -> None:
    generator = open_generator("auto", save_original(random_weights(Geometry()), tmp_path / "tiny"))
    assert generator.name == "torch"
    generator.close()


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(BackendError, match='no backend "abacus": choose auto, torch'):
        open_generator("abacus", Path())


def test_a_missing_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint"):
        open_generator("torch", tmp_path / "nowhere")


def test_a_backend_whose_library_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gptoss.backends.torch.generator", None)  # importing it fails
    with pytest.raises(BackendError, match="pip install torch"):
        open_generator("torch", Path())


def test_nothing_of_torch_is_imported_before_it_is_needed() -> None:
    modules = "gptoss.backends.opening, gptoss.backends.files, gptoss.backends.scripted"
    program = f"import sys, {modules}; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
