"""`gptoss replay` and `gptoss verify`."""

from pathlib import Path
from typing import Annotated

import typer

from gptoss.cli.command import Command, Tools
from gptoss.cli.commands.completions import branch_names, session_names
from gptoss.cli.commands.options import AsJson, Database, Name
from gptoss.engine.errors import UsageError

Branch = Annotated[
    str | None,
    typer.Option(
        "--branch", metavar="NAME", help="This branch instead of the current one.", autocompletion=branch_names
    ),
]


def replay(
    name: Name,
    checkpoint: Annotated[
        Path | None, typer.Argument(metavar="CHECKPOINT", help="With --rerun and --score: the model.")
    ] = None,
    speed: Annotated[
        float, typer.Option(metavar="X", help="So many times as fast as it was; 0 shows everything at once.")
    ] = 1.0,
    step: Annotated[bool, typer.Option("--step", help="Go forward and back by keys.")] = False,
    since: Annotated[
        str | None, typer.Option("--from", metavar="SEQ|TURN", help="Begin at this event, or after turn tN.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="SEQ|TURN", help="Stop after this event, or after turn tN.")
    ] = None,
    branch: Branch = None,
    state: Annotated[bool, typer.Option("--state", help="Show the folded state and the prompt.")] = False,
    at: Annotated[str | None, typer.Option(metavar="SEQ|TURN", help="With --state, --fan-out: where.")] = None,
    diff: Annotated[
        tuple[str, str] | None, typer.Option(metavar="SEQ SEQ", help="Show what changed between two events.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Prove that the history still means the same.")] = False,
    rerun: Annotated[bool, typer.Option("--rerun", help="Sample every generation again and compare.")] = False,
    new: Annotated[
        str | None, typer.Option("--as", metavar="NEW", help="With --rerun: answer every turn anew, on a new branch.")
    ] = None,
    score: Annotated[bool, typer.Option("--score", help="Score every recorded token.")] = False,
    against: Annotated[
        str | None, typer.Option(metavar="BACKEND", help="With --score: compare with this backend.")
    ] = None,
    fan_out: Annotated[
        str | None, typer.Option(metavar="BACKENDS", help="Answer a turn by several backends, each on a branch.")
    ] = None,
    backend: Annotated[str | None, typer.Option(metavar="NAME", help="What runs the model.")] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> Command:
    """Show a session again as it happened; no model runs, unless you ask for --rerun, --score or --fan-out."""
    modes = {
        "--step": step,
        "--state": state,
        "--diff": diff is not None,
        "--verify": verify,
        "--rerun": rerun,
        "--score": score,
        "--fan-out": fan_out is not None,
    }
    chosen = [option for option, given in modes.items() if given]

    def run(tools: Tools) -> int:
        if len(chosen) > 1:
            raise UsageError(f"{' and '.join(chosen)} cannot be had at once: choose one")
        from gptoss.cli import replaying

        adapters, out, err = tools
        place = replaying.Place(name=name, branch=branch, database=database)
        if step:
            return replaying.step_session(adapters, place, out, since=since, until=until)
        if state:
            return replaying.inspect_session(adapters, place, out, at=at, as_json=as_json)
        if diff is not None:
            return replaying.compare_states(adapters, place, out, diff)
        if verify:
            from gptoss.cli.verifying import verify_sessions

            return verify_sessions(adapters, database, name, out, branch=branch, as_json=as_json)
        if rerun or score or fan_out is not None:
            from gptoss.cli import judging

            judge = judging.Judge(checkpoint=checkpoint, backend=backend)
            if score:
                return judging.score_session(adapters, place, judge, against, out, as_json=as_json)
            if new is None and fan_out is None:
                return judging.rerun_session(adapters, place, judge, out, err, as_json=as_json)
            from gptoss.cli import redoing

            if fan_out is not None:
                return redoing.fan_out(adapters, place, judge, fan_out, out, at=at)
            return redoing.redo_session(adapters, place, judge, new or "", out)
        return replaying.replay_session(adapters, place, out, speed=speed, since=since, until=until)

    return run


def verify(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The session (default: all).", autocompletion=session_names)
    ] = None,
    branch: Branch = None,
    as_json: AsJson = False,
    database: Database = None,
) -> Command:
    """Check that nothing in the log was altered, and that it still means what it meant."""

    def run(tools: Tools) -> int:
        from gptoss.cli.verifying import verify_sessions

        if branch is not None and name is None:
            raise UsageError("--branch needs the NAME of the session that has the branch")
        return verify_sessions(tools.adapters, database, name, tools.out, branch=branch, as_json=as_json)

    return run
