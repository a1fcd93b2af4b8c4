"""The port of whatever takes long and can say how far it has come."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told now and then: how much is done (bytes, mostly), and how much there is to do in all. It must not raise."""


def untold(done: int, whole: int) -> None:
    """For nobody."""
