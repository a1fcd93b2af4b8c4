"""The torch generator keeps the port's contract on a tiny random checkpoint."""

from pathlib import Path

import pytest

from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.ports import TokenGenerator
from tests.backends.checkpoints import Geometry, random_weights, save_original
from tests.contracts.token_generator import TokenGeneratorContract


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_original(random_weights(Geometry()), tmp_path_factory.mktemp("tiny") / "original")


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
class TestTorch(TokenGeneratorContract):
    @pytest.fixture(autouse=True)
    def _checkpoint(self, checkpoint: Path, dtype: str) -> None:
        self.checkpoint, self.dtype = checkpoint, dtype

    def open(self) -> TokenGenerator:
        return TorchGenerator(self.checkpoint, device="cpu", dtype=self.dtype)
