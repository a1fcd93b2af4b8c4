"""Fixtures that many tests share."""

from pathlib import Path

import pytest

from gptoss.engine.harmony import Harmony


@pytest.fixture(scope="session")
def harmony(tmp_path_factory: pytest.TempPathFactory) -> Harmony:
    cache: Path = tmp_path_factory.getbasetemp() / "cache"
    return Harmony.load(cache)
