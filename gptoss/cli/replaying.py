"""`gptoss replay`: shows a session again as it happened. Loads no model."""

from collections.abc import Callable
from contextlib import closing
from math import isfinite
from time import sleep

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.display import Display
from gptoss.cli.output import Output
from gptoss.engine.errors import UsageError
from gptoss.transcripts.playback import playback

LONGEST_PAUSE = 2.0
"""Seconds, before `--speed`. Nobody watches a night pass between two turns."""


def replay_session(
    adapters: Adapters,
    database: str | None,
    name: str,
    out: Output,
    *,
    speed: float,
    until: int | None,
    pause: Callable[[float], None] = sleep,
) -> int:
    """Show the current branch with its recorded timing, `speed` times as fast; 0 shows it at once."""
    if not isfinite(speed) or speed < 0:
        raise UsageError(f"--speed must be 0 or more, not {speed}")
    if until is not None and until < 1:
        raise UsageError(f"--until must be 1 or more, not {until}")
    with closing(adapters.open_reader(database)) as reader:
        branch = reader.session(name).branch
        display = Display(out, out)
        now = 0.0
        for moment in playback(reader.read(branch, until=until), adapters.harmony()):
            wait = min(moment.at - now, LONGEST_PAUSE)
            now = moment.at
            if speed and wait > 0:
                pause(wait / speed)
            display.show(moment.update)
        display.end()
    return 0
