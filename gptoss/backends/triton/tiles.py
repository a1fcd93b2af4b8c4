"""How the kernels divide their work. What fits the chip was measured: see `benchmarks/triton-notes.md`."""

from typing import NamedTuple


class Tile(NamedTuple):
    """How a kernel divides its work: rows of a matrix a program, columns (or words, or keys) at a time, warps; and how
    many columns it reads before it needs its input."""

    rows: int
    block: int
    warps: int
    ahead: int = 0


class Tiles(NamedTuple):
    """The tiles of each decoding kernel."""

    qkv: Tile = Tile(2, 256, 1, 1024)
    attention: Tile = Tile(16, 64, 2)
    out: Tile = Tile(2, 512, 1, 2048)
    router: Tile = Tile(1, 0, 4)
    up: Tile = Tile(8, 128, 1)
    down: Tile = Tile(2, 128, 1)
    unembedding: Tile = Tile(4, 512, 1)


class GroupedTile(NamedTuple):
    """Rows of an expert's matrix, choices, and groups of 32 weights that a program multiplies at a time."""

    rows: int
    choices: int
    groups: int
    warps: int
    stages: int


MANY = GroupedTile(128, 128, 4, 4, 2)
FEW = GroupedTile(128, 64, 2, 4, 3)
"""Where an expert has fewer choices than `LARGE` on average."""

LARGE = 96


class FlashTile(NamedTuple):
    """Queries and keys that a program of the attention multiplies at a time."""

    rows: int = 128
    keys: int = 64
    warps: int = 8
    stages: int = 3


class FewPrograms(NamedTuple):
    """For Triton's interpreter, which takes for a program what it takes whatever the program's size."""

    decoding: Tiles | None = Tiles(
        qkv=Tile(8, 64, 4, 64),
        attention=Tile(16, 64, 4),
        out=Tile(64, 64, 4, 128),
        up=Tile(128, 32, 4),
        down=Tile(64, 32, 4),
        unembedding=Tile(1024, 64, 4),
    )
    grouped: GroupedTile | None = GroupedTile(64, 16, 2, 4, 2)
    flash: FlashTile | None = FlashTile(64, 64)
