"""Fixtures that many tests share, and how hypothesis runs."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import Vocabulary

# What starts the tests in the background ignores these signals, and so would every program that they start.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

# Machines that run this are shared: how long an example takes says nothing. On CI every run tries the same examples, so
# that a change is never blamed for what another run would have found.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def harmony(tmp_path_factory: pytest.TempPathFactory) -> Harmony:
    cache: Path = tmp_path_factory.getbasetemp() / "cache"
    return Harmony.load(cache)


@pytest.fixture(scope="session")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    return Vocabulary.load(tmp_path_factory.getbasetemp() / "cache")
