"""What is chosen for a card, by what it has."""

from types import SimpleNamespace

import pytest
import torch

from benchmarks.random20b import geometry
from gptoss.backends.triton import card
from gptoss.backends.triton.tiles import FEW_PROGRAMS, LITTLE_SHARED, Division


def pretend(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], gigabytes: float, taken: float
) -> torch.device:
    """A card that computes with so much memory, some of it taken."""
    memory = SimpleNamespace(total_memory=int(gigabytes * 1e9))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: memory)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: int(taken * 1e9))
    return torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("capability", "gigabytes", "taken", "ranks", "tokens"),
    [
        ((9, 0), 143.0, 13.9, 1, 16384),
        ((9, 0), 143.0, 7.0, 2, 8192),  # the same on every rank, whatever each has left
        ((10, 0), 24.0, 13.9, 1, 16384),
        ((9, 0), 17.2, 13.9, 1, 4096),
        ((9, 0), 14.0, 13.9, 1, 1024),
        ((8, 0), 85.0, 13.9, 1, 8192),
    ],
)
def test_pieces_of_a_prompt_fit_the_card(
    monkeypatch: pytest.MonkeyPatch,
    capability: tuple[int, int],
    gigabytes: float,
    taken: float,
    ranks: int,
    tokens: int,
) -> None:
    place = pretend(monkeypatch, capability, gigabytes, taken)
    assert card.chunk(geometry("20b"), place, ranks) == tokens


def test_tiles_fit_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    for major, division in ((8, LITTLE_SHARED), (9, Division()), (10, Division()), (12, LITTLE_SHARED)):
        assert card.division(pretend(monkeypatch, (major, 0), 80, 0)) == division
    assert card.division(torch.device("cpu")) == FEW_PROGRAMS
