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
    unembedding: Tile = Tile(8, 256, 1)


FEW = Tiles(qkv=Tile(1, 256, 1, 1024), unembedding=Tile(4, 256, 1))
"""For a few tokens at a time, which need more registers a row. Other columns would make other numbers."""


class GroupedTile(NamedTuple):
    """Rows of an expert's matrix (64 or more), choices (64 or more; an expert's last tile has a half or a quarter, if
    that is enough), and groups of 32 weights of each row (2 or 4) that a program multiplies at a time."""

    rows: int
    choices: int
    groups: int
    warps: int
    stages: int


class GroupedTiles(NamedTuple):
    """For experts with so many choices on average, from prompts of thousands of tokens down to a few words."""

    most: GroupedTile = GroupedTile(128, 256, 4, 8, 3)
    many: GroupedTile = GroupedTile(128, 128, 2, 4, 4)
    some: GroupedTile = GroupedTile(128, 64, 4, 4, 3)

    def of(self, choices: float) -> GroupedTile:
        """For experts with so many choices on average."""
        return self[0 if choices >= MOST else 1 if choices >= MANY else 2]


MOST, MANY = 384, 96


class FlashTile(NamedTuple):
    """Queries and keys that a program of the attention multiplies at a time."""

    rows: int = 128
    keys: int = 64
    warps: int = 8
    stages: int = 3


class Division(NamedTuple):
    """Of all the work. None: as the kernels do by themselves, which suits Hopper."""

    decoding: Tiles | None = None
    grouped: GroupedTiles | None = None
    flash: FlashTile | None = None


_MOST = GroupedTile(128, 128, 2, 8, 3)

LITTLE_SHARED = Division(grouped=GroupedTiles(most=_MOST, many=_MOST, some=GroupedTile(128, 64, 2, 4, 3)))
"""For chips with less shared memory than Hopper and Blackwell for data centres: 99 KB are enough."""

FEW_PROGRAMS = Division(
    Tiles(
        qkv=Tile(8, 64, 4, 64),
        attention=Tile(16, 64, 4),
        out=Tile(64, 64, 4, 128),
        up=Tile(128, 32, 4),
        down=Tile(64, 32, 4),
        unembedding=Tile(1024, 64, 4),
    ),
    GroupedTiles(*[GroupedTile(64, 64, 2, 4, 2)] * 3),
    FlashTile(64, 64),
)
"""For Triton's interpreter, which takes for a program what it takes whatever the program's size."""
