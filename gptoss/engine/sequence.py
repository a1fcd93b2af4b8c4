"""An immutable sequence that grows at its end in constant time.

A state holds thousands of entries and every event makes a new state. Copying a tuple each time would make a fold
quadratic. A `Sequence` is a view of the first `n` items of a list that it shares with the sequences it came from: the
newest one may grow the list in place, since no older view sees past its own `n`; any other copies first, unless what it
grows by is there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, overload

T = TypeVar("T")


class AppendSequence(Generic[T]):
    """Values compare equal when their items do. Not meant for threads: one writer folds one branch."""

    __slots__ = ("_items", "_length")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._length = len(self._items)

    def extended(self, items: Iterable[T]) -> AppendSequence[T]:
        """A sequence with these items after one's own."""
        shared, added = self._items, list(items)
        length = self._length + len(added)
        if len(shared) > self._length:
            # Often it is the same again: what was imagined to see whether it may be, and is now so.
            if shared[self._length : length] == added:
                return self._view(shared, length)
            shared = shared[: self._length]
        shared.extend(added)
        return self._view(shared, length)

    def appended(self, item: T) -> AppendSequence[T]:
        return self.extended((item,))

    def first(self, count: int) -> AppendSequence[T]:
        """The first `count` items, sharing storage."""
        return self._view(self._items, min(count, self._length))

    @classmethod
    def _view(cls, items: list[T], length: int) -> AppendSequence[T]:
        view = cls.__new__(cls)
        view._items = items
        view._length = length
        return view

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        items = self._items
        return (items[index] for index in range(self._length))

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            return tuple(self._items[start:stop:step])
        if not -self._length <= index < self._length:
            raise IndexError(index)
        return self._items[index % self._length]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppendSequence) and self[:] == other[:]

    def __hash__(self) -> int:
        return hash(self[:])

    def __repr__(self) -> str:
        return f"AppendSequence({list(self)!r})"
