"""Chooses between the engine within this process and a server, and imports no more than that one needs."""

import os
from contextlib import closing
from pathlib import Path

from gptoss.backends.vllm.child import ROOT
from gptoss.backends.vllm.options import Report, VllmOptions
from gptoss.backends.vllm.quiet import VllmLog
from gptoss.engine.errors import BackendError
from gptoss.engine.ports import TokenGenerator

REMEDY = "pip install 'gptoss[vllm]', or on a machine without a GPU as docs/vllm.md says"


def open_vllm(path: Path, options: VllmOptions, report: Report = lambda text: None) -> TokenGenerator:
    """CheckpointError or BackendError for what stands in the way, vLLM's absence included."""
    from gptoss.backends.checkpoint import Checkpoint

    log = VllmLog(options.logs, shows=options.shows_log)
    with closing(Checkpoint(path)) as checkpoint:
        report("loading vLLM …")
        with log.taking(ENVIRONMENT | {ROOT: str(os.getpid())}):  # it writes while it is imported
            try:
                from gptoss.backends.vllm.engine import VllmGenerator
            except (ImportError, OSError) as error:
                raise BackendError(f"the vllm backend cannot be loaded ({error}); install it with: {REMEDY}") from error
        return VllmGenerator(checkpoint, options, log, report)


ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",  # everything is in the folder; nothing is to be asked of the network
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
    "VLLM_USE_V2_MODEL_RUNNER": "0",  # the newer runner has another interface of logits processors
}
"""For vLLM's processes, unless the user has set them."""
