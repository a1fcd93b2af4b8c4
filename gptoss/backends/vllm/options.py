"""What a user may say about vLLM. Nothing here imports it."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from gptoss.engine.errors import UsageError

ARGUMENTS, SERVER, KEY = "GPTOSS_VLLM_ARGS", "GPTOSS_VLLM_SERVER", "VLLM_API_KEY"


REMEDY = "pip install 'gptoss[vllm]' (docs/vllm.md says how without a GPU), or go on with --backend auto"

Report = Callable[[str], None]
"""Told what takes long, as a passing remark."""


class VllmOptions(Struct, frozen=True, kw_only=True):
    """`cache` is for what can be made again, `logs` for what vLLM says. `arguments` are engine arguments, by the names
    that `vllm serve` has for them without the dashes in front. `server` is the URL of one, `serve` asks for one to be
    started here; neither means the engine within this process. `shows_log` lets vLLM write to this terminal.
    """

    cache: Path
    logs: Path
    arguments: tuple[tuple[str, str], ...] = ()
    server: str | None = None
    serve: bool = False
    api_key: str | None = None
    shows_log: bool = False

    @property
    def command_line(self) -> list[str]:
        """The arguments as `vllm serve` reads them: true and false are flags, all else is a value."""
        words: list[str] = []
        for name, value in self.arguments:
            if value in ("true", "false"):
                words.append(f"--{name}" if value == "true" else f"--no-{name}")
            else:
                words += [f"--{name}", value]
        return words


class VllmRequest(Struct, frozen=True, kw_only=True):
    """What was given on a command line: `NAME=VALUE` each, a URL, a flag."""

    arguments: tuple[str, ...] = ()
    server: str | None = None
    serve: bool = False

    def options(
        self, cache: Path, logs: Path, *, shows_log: bool = False, environment: Mapping[str, str] = os.environ
    ) -> VllmOptions:
        """Together with what the environment says, which stands back. UsageError for what cannot be."""
        if self.server and self.serve:
            raise UsageError("--serve starts a server and --server names one: use one of them")
        words = (*environment.get(ARGUMENTS, "").split(), *self.arguments)
        return VllmOptions(
            cache=cache,
            logs=logs,
            arguments=tuple(dict(_argument(word) for word in words).items()),
            server=self.server or (None if self.serve else environment.get(SERVER) or None),
            serve=self.serve,
            api_key=environment.get(KEY) or None,
            shows_log=shows_log,
        )


def _argument(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    name = name.strip().lstrip("-").replace("_", "-")
    if not name or not equals:
        raise UsageError(f"--vllm-arg takes NAME=VALUE, such as tensor-parallel-size=2, not {word!r}")
    return name, value.strip()
