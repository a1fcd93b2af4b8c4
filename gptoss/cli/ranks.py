"""`torchrun --nproc-per-node N -m gptoss ...`: rank 0 runs the command line, the other ranks follow it."""

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from types import FrameType

from gptoss.backends.parallel.world import World, world
from gptoss.cli.relay import in_own_terminal
from gptoss.engine.errors import GptossError
from gptoss.engine.ports import TokenGenerator

THREADS = "OMP_NUM_THREADS"

DEBUG = "--debug"

ORPHANED = (
    "rank 0 is gone, and the others left with it; nothing that was said is lost: start again, on any number of ranks"
)

_GRACE = 5.0
"""Seconds to take the ranks apart in good order."""


def run(arguments: list[str]) -> int:
    """What this process is for as one of many. The exit code."""
    try:
        found = world()
    except GptossError as error:
        return _refuse(error)
    if found is None or found.size == 1:
        return in_own_terminal(partial(_obey, arguments))
    _share_cores(found)
    return in_own_terminal(partial(_lead, arguments, found)) if found.leads else _follow(arguments, found)


def _obey(arguments: list[str]) -> int:
    from gptoss.cli.main import run

    return run(arguments)


def _lead(arguments: list[str], found: World) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)  # until the command line takes them over
    try:
        return _lead_crew(arguments, found)
    except GptossError as error:
        return _refuse(error)


def _lead_crew(arguments: list[str], found: World) -> int:
    from gptoss.backends.parallel.crew import Crew
    from gptoss.backends.parallel.group import Ranks, meeting_point, place
    from gptoss.backends.parallel.leading import open_together
    from gptoss.cli.main import run

    device = place(found)
    store = meeting_point(found)
    crew = Crew(found, store, device.type, _complain)
    try:
        group = Ranks(found, store, device)
        crew.abort = group.abort
        code = run(arguments, together=partial(open_together, crew, group))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # it is leaving already
        crew.leave()
        if crew.lost is not None:
            crew.explain()
            sys.stdout.flush()
            os._exit(1)  # what lacks a rank cannot be taken apart in good order
    _end_within(_GRACE, code)
    group.close()
    crew.close()
    return code


def _follow(arguments: list[str], found: World) -> int:
    speaks = found.rank == 1 and not os.isatty(0)  # in a terminal the relay says so
    _fall_silent(debug=DEBUG in arguments)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there is a rank 0 that decides
    from gptoss.backends.opening import open_generator
    from gptoss.backends.parallel.following import Follower
    from gptoss.backends.parallel.group import Ranks, meeting_point, place
    from gptoss.backends.parallel.wire import Broken

    try:
        store = meeting_point(found)
        try:
            device = place(found)
        except GptossError as error:
            Follower.decline(found, store, str(error))
            return error.exit_code
        follower = Follower(found, store, device.type, partial(_complain, ORPHANED) if speaks else _say_nothing)
        group = Ranks(found, store, device)

        def open_(backend: str, checkpoint: Path) -> TokenGenerator:
            return open_generator(backend, checkpoint, group=group)

        follower.follow(open_)
    except Broken:
        return 1
    except GptossError as error:
        return error.exit_code
    group.close()
    return 0


def _share_cores(found: World) -> None:
    """Threads for each rank on this machine. torchrun sets 1 where the user said nothing, which wastes the others."""
    if os.environ.get(THREADS, "1") == "1":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        os.environ[THREADS] = str(max(1, cores // found.local_size))


_shown = 2
"""Where a rank that has fallen silent can still be heard."""


def _fall_silent(*, debug: bool) -> None:
    """Leave the terminal and the standard streams to rank 0."""
    global _shown
    _shown = os.dup(2)
    void = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1) if debug else (0, 1, 2):
        os.dup2(void, stream)
    os.close(void)


def _complain(sentence: str) -> None:
    os.write(_shown, f"\ngptoss: {sentence}\n".encode())


def _say_nothing() -> None:
    pass


def _refuse(error: GptossError) -> int:
    _complain(str(error))
    return error.exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_within(seconds: float, code: int) -> None:
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()
