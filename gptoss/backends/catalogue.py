"""Which models and backends there are on this machine. Nothing here imports a backend or reads a weight."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from gptoss.backends.config import ModelConfig
from gptoss.backends.files import CheckpointFiles
from gptoss.engine.errors import CheckpointError


class FoundModel(Struct, frozen=True, kw_only=True):
    """A checkpoint, who named it (`origin`), and its geometry, or what is wrong with it (`problem`)."""

    path: Path
    origin: str
    bytes: int = 0
    layers: int = 0
    width: int = 0
    experts: int = 0
    context: int = 0
    problem: str | None = None


class BackendState(Struct, frozen=True, kw_only=True):
    """A backend, whether its libraries are here, and what it needs."""

    name: str
    is_installed: bool
    needs: str


def backends() -> list[BackendState]:
    """All backends, the one that "auto" takes on a CPU first."""
    return [
        BackendState(
            name="torch",
            is_installed=find_spec("torch") is not None,
            needs="torch (pip install torch); a CPU or a CUDA GPU; memory for the weights in bf16, experts in MXFP4",
        ),
        BackendState(
            name="triton",
            is_installed=find_spec("triton") is not None,
            needs="Triton (pip install 'gptoss[triton]') and an NVIDIA GPU, Ampere or later; experts in MXFP4",
        ),
        BackendState(
            name="vllm",
            is_installed=find_spec("vllm") is not None,
            needs="vLLM (pip install 'gptoss[vllm]') and a GPU, or only the URL of a server (--server)",
        ),
    ]


def find_models(named: dict[str, str]) -> Iterator[FoundModel]:
    """The checkpoints in `named` (who named it -> its path), and the gpt-oss models in Hugging Face's cache."""
    for origin, path in named.items():
        yield _look(Path(path).expanduser(), origin)
    for snapshot in sorted(_hub().glob("models--*/snapshots/*")):
        found = _look(snapshot, "Hugging Face cache")
        if found.problem is None:  # most models there are of other kinds
            yield found


def _hub() -> Path:
    """See https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


def _look(path: Path, origin: str) -> FoundModel:
    try:
        files = CheckpointFiles.locate(path)
        config = ModelConfig.load(files.config)
        size = sum(shard.stat().st_size for shard in files.shards)
    except CheckpointError as error:
        return FoundModel(path=path, origin=origin, problem=str(error))
    except OSError as error:
        return FoundModel(path=path, origin=origin, problem=f"{path} cannot be read: {error.strerror or error}")
    return FoundModel(
        path=path,
        origin=origin,
        bytes=size,
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        experts=config.num_experts,
        context=config.max_context,
    )
