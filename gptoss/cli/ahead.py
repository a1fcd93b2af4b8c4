"""What the model does while the user types."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gptoss.engine.ports import TokenGenerator


@contextmanager
def head_start(generator: TokenGenerator, ids: tuple[int, ...]) -> Iterator[None]:
    """As long as the body runs, compute what the next prompt begins with; leaving it waits for one chunk at most.

    Nobody else may use the generator meanwhile.
    """
    over = threading.Event()

    def compute() -> None:
        with suppress(Exception):  # the turn itself will meet it again, and say so
            for _ in generator.prefill(ids, over.is_set):
                pass

    thread = threading.Thread(target=compute, name="head start", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
