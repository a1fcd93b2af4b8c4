"""`gptoss models`: which models can be chatted with here, and what each backend needs. Loads none."""

import os

import msgspec

from gptoss.backends.catalogue import FoundModel, backends, find_models
from gptoss.cli.bootstrap import CHECKPOINT, EMBEDDED, Adapters
from gptoss.cli.config import load_config, profiles
from gptoss.cli.names import quoted
from gptoss.cli.output import Output
from gptoss.cli.sizes import size


def list_models(adapters: Adapters, out: Output, *, as_json: bool) -> int:
    """The embedded model, checkpoints that were named or lie in Hugging Face's cache, the configured server."""
    named = {}
    if path := os.environ.get(CHECKPOINT):
        named[CHECKPOINT] = path
    for profile in (None, *profiles(adapters.folders.config)):
        if checkpoint := load_config(adapters.folders.config, profile).checkpoint:
            named[f"config.toml{f', profile {profile}' if profile else ''}"] = checkpoint
    found = list(find_models(named))
    server = adapters.vllm_options().server
    if as_json:
        facts = {"embedded": EMBEDDED, "checkpoints": found, "server": server, "backends": backends()}
        out.write(msgspec.json.format(msgspec.json.encode(facts, enc_hook=str), indent=2).decode() + "\n")
        return 0
    out.line("models", "bold")
    out.line(f"  {EMBEDDED}: always there; gptoss chat")
    for model in found:
        _show(model, out)
    if not found:
        out.line(
            "  no checkpoint found: download one (hf download openai/gpt-oss-20b) and name its folder, or set "
            f"{CHECKPOINT}",
            "dim",
        )
    if server is not None:
        out.line(f"  the server {server}: gptoss chat --server {quoted(server)}")
    out.line()
    out.line("backends", "bold")
    for backend in backends():
        out.line(f"  {backend.name}: {'installed' if backend.is_installed else 'not installed'}; needs {backend.needs}")
    return 0


def _show(model: FoundModel, out: Output) -> None:
    if model.problem is not None:
        out.line(f"  {model.origin}: {model.problem}", "error")
        return
    out.line(
        f"  {model.path} ({model.origin}): {size(model.bytes)}, {model.layers} layers of width {model.width}, "
        f"{model.experts} experts, context {model.context:,}; gptoss chat {quoted(str(model.path))}"
    )
