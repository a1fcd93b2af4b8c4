"""Chooses between the engine within this process and a server, and imports no more than that one needs."""

import os
from contextlib import closing
from pathlib import Path

from gptoss.backends.vllm.child import ROOT
from gptoss.backends.vllm.options import REMEDY, Report, VllmOptions
from gptoss.backends.vllm.quiet import VllmLog
from gptoss.backends.vllm.transport import HttpServer
from gptoss.engine.errors import BackendError, CheckpointError
from gptoss.engine.ports import TokenGenerator


def open_vllm(path: Path | None, options: VllmOptions, report: Report = lambda text: None) -> TokenGenerator:
    """A server that `options` names has its own checkpoint; for all else `path` is the one.

    CheckpointError or BackendError for what stands in the way, vLLM's absence included.
    """
    if options.server is not None:
        from gptoss.backends.vllm.server import ServerGenerator

        return ServerGenerator(HttpServer(options.server, options.api_key))
    if path is None:
        raise CheckpointError("vLLM needs a checkpoint: name one")
    if options.serve:
        from gptoss.backends.vllm.server import ServerGenerator
        from gptoss.backends.vllm.serving import find_or_start

        return ServerGenerator(find_or_start(path, options, report))
    return _engine(path, options, report)


def _engine(path: Path, options: VllmOptions, report: Report) -> TokenGenerator:
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
