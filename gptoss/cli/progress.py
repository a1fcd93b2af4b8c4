"""How far something that takes long has come, as a passing remark."""

from collections.abc import Callable
from time import monotonic

from gptoss.cli.sizes import size

INTERVAL = 0.1
"""Seconds between two remarks: nobody reads faster."""

FORESIGHT = 1.0
"""Seconds after which the time that is left can be told from the time that it took so far."""


def bytes_of(done: int, whole: int) -> str:
    return f"{size(done)} of {size(whole)}"


def tokens_of(done: int, whole: int) -> str:
    return f"{done:,} of {whole:,} tokens"


class Remark:
    """A `gptoss.engine.progress.Progress`: "loading gpt-oss-20b: 3.2 GB of 13.8 GB, 12 s left".

    `show` gets each remark; `counted` words what is done of what there is.
    """

    def __init__(
        self,
        what: str,
        show: Callable[[str], None],
        counted: Callable[[int, int], str] = bytes_of,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._what = what
        self._show = show
        self._counted = counted
        self._clock = clock
        self._begun = clock()
        self._shown: float | None = None

    def __call__(self, done: int, whole: int) -> None:
        now = self._clock()
        if self._shown is not None and now - self._shown < INTERVAL and done < whole:
            return
        self._shown = now
        self._show(
            f"{self._what}: {self._counted(min(done, whole), whole)}{self._left(done, whole, now - self._begun)}"
        )

    def _left(self, done: int, whole: int, seconds: float) -> str:
        if seconds < FORESIGHT or not 0 < done < whole:
            return ""
        return f", {duration(seconds * (whole - done) / done)} left"


def duration(seconds: float) -> str:
    """Such as "12 s" or "3 min 20 s"."""
    whole = max(round(seconds), 1)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
