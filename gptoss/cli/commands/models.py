"""`gptoss models`."""

from gptoss.cli.command import Command
from gptoss.cli.commands.options import AsJson


def models(as_json: AsJson = False) -> Command:
    """List the models that can be chatted with here, and what each backend needs."""
    from gptoss.cli.models import list_models

    return lambda tools: list_models(tools.adapters, tools.out, as_json=as_json)
