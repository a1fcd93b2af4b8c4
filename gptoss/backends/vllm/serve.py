"""`python -m gptoss.backends.vllm.serve CHECKPOINT CACHE PORT ARGUMENT...`: becomes vLLM's server for a checkpoint.

It prepares the folder that vLLM loads, so that whoever wants a server need not import what that takes.
"""

import os
import sys
from contextlib import closing
from pathlib import Path


def main(words: list[str]) -> None:
    path, cache, port, *arguments = words
    from gptoss.backends.vllm.opening import ENVIRONMENT

    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    from vllm.platforms import current_platform

    from gptoss.backends.checkpoint import Checkpoint
    from gptoss.backends.vllm.arguments import engine_arguments
    from gptoss.backends.vllm.folder import loadable
    from gptoss.backends.vllm.server import FINGERPRINT

    on_cpu = current_platform.is_cpu()
    with closing(Checkpoint(Path(path))) as checkpoint:
        folder = loadable(checkpoint, Path(cache), on_cpu=on_cpu)
        names = [Path(path).name, FINGERPRINT + checkpoint.fingerprint]
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),
        *("--host", "127.0.0.1", "--port", port),
        *("--served-model-name", *names),
        "--enable-prompt-tokens-details",
        *engine_arguments(folder, arguments, on_cpu=on_cpu),
    ]
    os.execv(command[0], command)  # noqa: S606  no shell, and nothing but this project's words and the user's own


if __name__ == "__main__":
    main(sys.argv[1:])
