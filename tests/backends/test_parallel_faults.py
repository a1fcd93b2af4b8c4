"""When a rank goes wrong, all end: in time, and saying what happened."""

import os
import signal
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from gptoss.engine.errors import BackendError, GenerationFailed, RankDrifted, RankLost
from tests.backends.checkpoints import Geometry, random_weights, save_original
from tests.backends.ranks import together
from tests.contracts.token_generator import GREEDY, NO_STOP, never


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_original(random_weights(Geometry()), tmp_path_factory.mktemp("ranks") / "tiny")


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (
            "drift",
            RankDrifted,
            r"rank 1 \(process \d+ on .*\) drew token \d+ before position 8 where rank 0 drew token",
        ),
        ("fail", RankLost, r"rank 1 \(.*\) failed: the disk is full of eels; nothing that was said is lost"),
        ("kill", RankLost, r"rank 1 \(.*\) is gone, and no rank can go on without it; nothing that was said is lost"),
    ],
)
def test_a_rank_that_goes_wrong_ends_it_for_all(
    fault: str, error: type[GenerationFailed], said: str, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAULT", "hang" if fault == "kill" else fault)
    with together(2, "tests.backends.faulty_rank") as ranks:
        many = ranks.open(checkpoint)
        answer = many.generate([3, 4, 5], replace(GREEDY, max_tokens=40), NO_STOP, never)
        drawn = 0
        started = time.monotonic()
        with pytest.raises(error, match=said):  # noqa: PT012
            for chunk in answer:
                drawn += len(chunk.ids)
                if fault == "kill" and drawn == 5:
                    os.kill(ranks.others[0].pid, signal.SIGKILL)
        assert time.monotonic() - started < 10
        assert drawn >= 4
        ranks.wait_for_signal()
        with pytest.raises(error):
            next(iter(many.generate([3], GREEDY, NO_STOP, never)))
        many.close()
    assert ranks.said == []  # it was raised


def test_a_rank_that_dies_while_nobody_asks_anything_is_noticed(checkpoint: Path) -> None:
    with together(2) as ranks:
        ranks.open(checkpoint)
        ranks.others[0].kill()
        ranks.wait_for_signal()
        ranks.crew.explain()
    assert len(ranks.said) == 1
    assert "is gone" in ranks.said[0]


def test_another_checkpoint_at_the_same_path_is_refused(tmp_path: Path) -> None:
    """As on another machine: the path leads each rank to a folder of its own."""
    for rank in (0, 1):
        save_original(random_weights(Geometry(), seed=rank), tmp_path / str(rank) / "model")
    here = Path.cwd()
    os.chdir(tmp_path / "0")
    try:
        with together(2, folders={1: tmp_path / "1"}) as ranks:
            with pytest.raises(BackendError, match=r"rank 1 .* has another checkpoint at the same path"):
                ranks.open(Path("model"))
            (tmp_path / "1" / "model" / "config.json").unlink()
            with pytest.raises(BackendError, match=r"rank 1 .* cannot load its part: .*config.json"):
                ranks.open(Path("model"))
    finally:
        os.chdir(here)
