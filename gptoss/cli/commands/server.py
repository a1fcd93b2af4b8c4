"""`gptoss server`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command, Tools


def server(
    stop: Annotated[bool, typer.Option("--stop", help="End them.")] = False,
) -> Command:
    """List the vLLM servers that `gptoss chat --serve` started and that still run, or stop them."""

    def run(tools: Tools) -> int:
        from gptoss.cli.serving import list_servers, stop_servers

        return (stop_servers if stop else list_servers)(*tools)

    return run
