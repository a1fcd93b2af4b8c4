"""Opening a backend by its name. No backend's libraries are imported before it is asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gptoss.backends.torch.waiting import waiting_briefly
from gptoss.backends.vllm.options import Report, VllmOptions
from gptoss.engine.errors import BackendError, CheckpointError
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.progress import Progress, untold

if TYPE_CHECKING:
    from gptoss.backends.parallel.group import Group

AUTO = "auto"

BACKENDS = {
    "torch": ("gptoss.backends.torch.generator", "TorchGenerator", "pip install torch"),
    "triton": (
        "gptoss.backends.triton.generator",
        "TritonGenerator",
        "pip install 'gptoss[triton]', or go on with --backend auto",
    ),
}
"""Name -> the module and class that implement it, and how to get what they need."""

VLLM = "vllm"


def open_generator(
    backend: str,
    checkpoint: Path | None,
    vllm: VllmOptions | None = None,
    report: Report = lambda text: None,
    group: Group | None = None,
    progress: Progress = untold,
) -> TokenGenerator:
    """The backend of that name ("auto": the best one for this machine) with a checkpoint loaded.

    `vllm` is for the backend of that name, which cannot do without; it alone may do without a checkpoint of ours, since
    a server has its own. `group` are the ranks that share the model, of which each opens its part. `progress` is told
    the bytes that a backend of ours has read. BackendError if there is no such backend or its libraries are missing;
    CheckpointError as the backend finds it.
    """
    with waiting_briefly():
        name = _best(checkpoint) if backend == AUTO else backend
    if name == VLLM and vllm is not None:
        from gptoss.backends.vllm.opening import open_vllm

        return open_vllm(checkpoint, vllm, report)
    if name not in BACKENDS:
        raise BackendError(f'there is no backend "{backend}": choose {", ".join([AUTO, *BACKENDS, VLLM])}')
    if checkpoint is None:
        raise CheckpointError(f"the {name} backend needs a checkpoint: name one")
    module, cls, remedy = BACKENDS[name]
    try:
        with waiting_briefly():
            adapter = getattr(import_module(module), cls)
    except (ImportError, OSError) as error:
        raise BackendError(f"the {name} backend cannot be loaded ({error}); install it with: {remedy}") from error
    generator: TokenGenerator = (
        adapter(checkpoint, progress=progress) if group is None else adapter(checkpoint, group=group, progress=progress)
    )
    return generator


def _best(checkpoint: Path | None) -> str:
    """Triton on a GPU that it knows, for experts as they are published; torch everywhere else."""
    import torch

    if checkpoint is None or find_spec("triton") is None or not torch.cuda.is_available():
        return "torch"
    from gptoss.backends.checkpoint import Checkpoint

    opened = Checkpoint(checkpoint)
    try:
        return "triton" if opened.packed and torch.cuda.get_device_capability() >= (8, 0) else "torch"
    finally:
        opened.close()
