"""`gptoss server`: what runs of the servers that chats have started."""

from gptoss.backends.vllm.serving import ServerRecord, servers, stop
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.output import Output


def list_servers(adapters: Adapters, out: Output, err: Output) -> int:
    """A line for each server. The exit code."""
    running = servers(adapters.vllm_options())
    for record in running:
        out.line(_about(record))
    if not running:
        err.line("No server runs.", "dim")
    return 0


def stop_servers(adapters: Adapters, out: Output, err: Output) -> int:
    """End all servers. The exit code."""
    running = servers(adapters.vllm_options())
    for record in running:
        stop(record)
        err.line(f"Stopped: {_about(record)}")
    if not running:
        err.line("No server runs.", "dim")
    return 0


def _about(record: ServerRecord) -> str:
    arguments = "".join(f" {name}={value}" for name, value in record.arguments)
    return f"{record.url}  process {record.pid}  {record.checkpoint}{arguments}"
