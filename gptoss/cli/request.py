"""What `gptoss chat` was asked for, understood from its arguments and its input."""

import math
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from gptoss.cli.config import Config
from gptoss.cli.names import checked_name
from gptoss.cli.paths import named_database
from gptoss.cli.tooling import ToolOptions
from gptoss.engine.errors import CheckpointError, UsageError
from gptoss.engine.settings import ContextPolicy, ReasoningEffort, Sampling, Settings, ToolSpec

_SETTINGS = ("reasoning_effort", "developer_message", "context", "context_policy", "keep_reasoning", "backend")
"""What a request may change of a session's settings, under the names that both have for it."""


class ChatRequest(Struct, frozen=True, kw_only=True):
    """None means: not given, so a session keeps what it has.

    `prompt` is all that the user wants to say, piped text included; None with nothing to say. `tools` says of a tool,
    by name, whether the session is to have it; `tool_options` how tools run. `show_browser_results` shows what was
    fetched. `latest` continues the session that was used last. `raw`, `json` and `quiet` say how a turn is shown.
    `kv_cache` is how many MB keys and values of sessions may take on the disk.
    """

    checkpoint: Path | None = None
    session: str | None = None
    prompt: str | None = None
    reasoning_effort: ReasoningEffort | None = None
    developer_message: str | None = None
    context: int | None = None
    context_policy: ContextPolicy | None = None
    keep_reasoning: bool | None = None
    backend: str | None = None
    tools: Mapping[str, bool] = {}
    tool_options: ToolOptions = ToolOptions()
    show_browser_results: bool = False
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    latest: bool = False
    raw: bool = False
    json: bool = False
    quiet: bool = False
    fork: bool = False
    take_over: bool = False
    kv_cache: int | None = None
    database: str | None = None

    def settings(
        self, before: Settings, checkpoint: str | None, specs: Callable[[], Mapping[str, ToolSpec]]
    ) -> Settings:
        """The settings of the session with what was given put in. `specs` gives the tools that there are, by name."""
        return replace(
            before,
            checkpoint=checkpoint,
            tools=_with_tools(before.tools, self.tools, specs()) if self.tools else before.tools,
            **{name: value for name in _SETTINGS if (value := getattr(self, name)) is not None},
        )

    def sampling(self, defaults: Sampling) -> Sampling:
        """The checkpoint's defaults with what was given put in."""
        return replace(
            defaults,
            **{
                name: value
                for name in ("temperature", "top_p", "max_tokens")
                if (value := getattr(self, name)) is not None
            },
        )

    def filled(self, config: Config) -> "ChatRequest":
        """This request with the user's defaults for what no session keeps: sampling, how tools run, which files."""
        mine = self.tool_options
        options = replace(
            mine,
            workspace=mine.workspace or (Path(config.workspace).expanduser() if config.workspace else None),
            python_backend=mine.python_backend or config.python_backend,
            browser_source=mine.source or config.browser_source,
        )
        names = ("temperature", "top_p", "max_tokens", "kv_cache")
        return replace(
            self,
            tool_options=options,
            database=named_database(self.database) or config.database,
            **{name: getattr(config, name) for name in names if getattr(self, name) is None},
        )

    def check(self) -> None:
        """Raise UsageError for a value that cannot be."""
        if self.session is not None:
            checked_name(self.session)
        elif (self.fork or self.take_over) and not self.latest:
            raise UsageError(f"{'--fork' if self.fork else '--take-over'} needs a session: name one with --session")
        if self.reasoning_effort not in (None, *get_args(ReasoningEffort)):
            raise UsageError(f"--reasoning-effort is low, medium or high, not {self.reasoning_effort!r}")
        if self.context_policy not in (None, *get_args(ContextPolicy)):
            raise UsageError(f"--context-policy is trim or error, not {self.context_policy!r}")
        self.tool_options.check()
        _check("--temperature", self.temperature, at_least=0.0, at_most=math.inf)
        _check("--top-p", self.top_p, at_least=0.0, at_most=1.0)
        _check("--seed", self.seed, at_least=0, at_most=2**63 - 1)
        _check("--max-tokens", self.max_tokens, at_least=1, at_most=2**31 - 1)
        _check("--kv-cache", self.kv_cache, at_least=0, at_most=2**31 - 1)
        _check("--context", self.context, at_least=1, at_most=2**31 - 1)
        for name, text in (("prompt", self.prompt), ("developer message", self.developer_message)):
            if text is not None and not _is_unicode(text):
                raise UsageError(f"the {name} holds bytes that are not UTF-8 text")


def initial_settings(config: Config, start_date: str, specs: Callable[[], Mapping[str, ToolSpec]]) -> Settings:
    """What a new session is set to by the user's defaults. UsageError for a tool that there is not."""
    settings = Settings(start_date=start_date)
    said = {name: value for name, value in config.said.items() if name in _SETTINGS}
    unknown = sorted(set(config.tools or ()) - set(specs())) if config.tools else []
    if unknown:
        raise UsageError(f"config.toml names the tool {unknown[0]!r}: there are {', '.join(specs())}")
    tools = _with_tools((), dict.fromkeys(config.tools, True), specs()) if config.tools else ()
    return replace(settings, tools=tools, **said)


def positionals(words: list[str]) -> tuple[Path | None, str | None]:
    """CHECKPOINT and PROMPT among the arguments of `gptoss chat`, which is which being told by what exists."""
    if len(words) > 2:
        raise UsageError(f"there are {len(words)} arguments: put the prompt in quotes")
    if not words:
        return None, None
    first = words[0]
    if first and _exists(first):
        return Path(first), words[1] if len(words) == 2 else None
    if _looks_like_a_path(first):
        raise CheckpointError(f"there is no checkpoint at {first}: name one that exists (a prompt goes after --prompt)")
    if len(words) == 2:
        raise UsageError(
            f"there is no checkpoint {first!r}: of two arguments the first is a checkpoint; put the prompt in quotes"
        )
    return None, first


def joined(prompt: str | None, piped: str | None) -> str | None:
    """The prompt and the piped text below it; None when there is neither."""
    parts = [part for part in (prompt, piped) if part and part.strip()]
    if prompt is not None and not parts:
        raise UsageError("the prompt is empty")
    return "\n\n".join(parts) or None


def piped_text() -> str | None:
    """What was piped in, to its end, without the newlines at the end; None at a terminal."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return None
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\r\n")


def _with_tools(
    before: tuple[ToolSpec, ...], changes: Mapping[str, bool], specs: Mapping[str, ToolSpec]
) -> tuple[ToolSpec, ...]:
    """The tools of a session after some were given to it and some taken from it, in the order of `specs`."""
    tools = {spec.name: spec for spec in before if changes.get(spec.name, True)}
    tools |= {name: specs[name] for name, is_wanted in changes.items() if is_wanted}
    order = list(specs)
    return tuple(sorted(tools.values(), key=lambda spec: order.index(spec.name) if spec.name in order else len(order)))


def _exists(word: str) -> bool:
    try:
        Path(word).stat()
    except (OSError, ValueError):
        return False
    return True


def _looks_like_a_path(word: str) -> bool:
    return ("/" in word and " " not in word) or word.endswith(".safetensors")


def _check(option: str, value: float | None, *, at_least: float, at_most: float) -> None:
    if value is not None and not at_least <= value <= at_most:
        bound = f"at least {at_least}" if at_most > 1e6 else f"between {at_least} and {at_most}"
        raise UsageError(f"{option} must be {bound}, not {value}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
