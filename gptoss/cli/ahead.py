"""What the model does while the user types."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gptoss.engine.conversation import next_step
from gptoss.engine.foresight import next_prefix
from gptoss.engine.generations import prompt_of
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.prefix import common_prefix
from gptoss.engine.state import State


def next_prompt(state: State, harmony: Harmony, most: int) -> tuple[int, ...]:
    """What is known of the next prompt: all of it while there is a turn to go on with, else what it begins with.

    `most` is how many tokens the model takes.
    """
    if next_step(state) is not None:
        return prompt_of(state, harmony).ids
    return next_prefix(state, harmony, min(state.settings.context, most))


def lasting_prefix(state: State, harmony: Harmony, most: int) -> tuple[int, ...]:
    """The same, as far as it holds also for a user who does not go on with the turn but begins another one."""
    known, anew = next_prompt(state, harmony, most), next_prefix(state, harmony, min(state.settings.context, most))
    return known[: common_prefix(known, anew)]


@contextmanager
def head_start(generator: TokenGenerator, ids: tuple[int, ...]) -> Iterator[None]:
    """As long as the body runs, compute what the next prompt begins with; leaving it waits for one chunk at most.

    Nobody else may use the generator meanwhile.
    """
    over, done = threading.Event(), threading.Event()

    def compute() -> None:
        try:
            with suppress(Exception):  # the turn itself will meet it again, and say so
                for _ in generator.prefill(ids, over.is_set):
                    pass
        finally:
            done.set()

    threading.Thread(target=compute, name="head start", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        _wait_for(done)


def _wait_for(done: threading.Event) -> None:
    """However often Ctrl-C is pressed, which is raised afterwards: two threads in one cache would spoil it.

    `Thread.join` will not do: interrupted, it takes the thread for ended (CPython 3.11).
    """
    interrupt = None
    while not done.is_set():
        try:
            done.wait()
        except KeyboardInterrupt as raised:
            interrupt = raised
    if interrupt is not None:
        raise interrupt
