"""What the words after `gptoss chat` come to, once `gptoss.cli.commands.chat` or `gptoss.cli.quick` has read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gptoss.cli.command import Command, Tools

if TYPE_CHECKING:
    from gptoss.cli.tooling import ToolOptions


def chat_command(
    words: list[str],
    *,
    checkpoint: Path | None = None,
    prompt: str | None = None,
    latest: bool = False,
    session: str | None = None,
    backend: str | None = None,
    tools: Mapping[str, bool | None] = {},
    tool_options: ToolOptions | None = None,
    vllm_arguments: tuple[str, ...] = (),
    server: str | None = None,
    serve: bool = False,
    profile: str | None = None,
    raw: bool = False,
    as_json: bool = False,
    **rest: Any,
) -> Command:
    """`words` are those that belong to no option; the rest are fields of `gptoss.cli.request.ChatRequest`.

    The command raises UsageError for what contradicts itself.
    """

    def run(given: Tools) -> int:
        from gptoss.backends.vllm.options import VllmRequest
        from gptoss.cli.chat import chat
        from gptoss.cli.request import ChatRequest, joined, piped_text, positionals
        from gptoss.cli.tooling import ToolOptions
        from gptoss.engine.errors import UsageError

        found, said = positionals(words)
        if (checkpoint and found) or (prompt is not None and said is not None):
            raise UsageError("the checkpoint or the prompt is given twice, as an option and as an argument")
        if latest and session is not None:
            raise UsageError("--continue takes the session that was used last: leave out --session")
        if raw and as_json:
            raise UsageError("--raw and --json cannot be had at once: choose one")
        request = ChatRequest(
            checkpoint=checkpoint or found,
            session=session,
            prompt=joined(said if prompt is None else prompt, piped_text()),
            backend=backend or ("vllm" if server or serve else None),
            tools={name: is_wanted for name, is_wanted in tools.items() if is_wanted is not None},
            tool_options=tool_options or ToolOptions(),
            latest=latest,
            raw=raw,
            json=as_json,
            **rest,
        )
        given.adapters.profile = profile
        given.adapters.vllm = VllmRequest(arguments=vllm_arguments, server=server, serve=serve)
        return chat(request, *given)

    return run
