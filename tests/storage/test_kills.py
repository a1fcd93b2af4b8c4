"""SIGKILL at random moments of everything that writes: no open fails, and nothing that was acknowledged is lost.

`benchmarks/survive.py` does it a thousand times, and to whole chats.
"""

import random
from pathlib import Path

import pytest

from tests.storage.killing import Maintenance, kill_migration
from tests.storage.test_golden import WHOLE

KILLS = 6


def test_nothing_is_lost_to_kills_of_everything_that_writes(tmp_path: Path) -> None:
    maintenance = Maintenance(tmp_path / "log.db")
    for _ in range(KILLS):
        maintenance.kill(random.Random())
    assert maintenance.acknowledged


@pytest.mark.parametrize("file", [path for path in WHOLE if path.parent.name.startswith("schema-")])
def test_nothing_is_lost_to_kills_of_a_migration(file: Path, tmp_path: Path) -> None:
    for number in range(KILLS):
        kill_migration(file, tmp_path / f"{number}.db", random.Random())
