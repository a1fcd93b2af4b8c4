"""`gptoss doctor`."""

from typing import Annotated

import typer

from gptoss.cli.command import Command
from gptoss.cli.commands.options import AsJson, Database


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Compute again from the events whatever can be computed from them.")
    ] = False,
    gpu: Annotated[bool, typer.Option("--gpu", help="Ask torch, too, whether it can use the GPU.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> Command:
    """Look whether everything is here that it takes, and whether the database is well."""
    from gptoss.cli.doctor import examine

    return lambda tools: examine(tools.adapters, database, tools.out, repair=repair, gpu=gpu, as_json=as_json)
