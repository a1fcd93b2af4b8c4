"""Batches of packed conversations out of the dataset's file. Needs numpy and torch alone."""

import json
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from demo_model.model import Batch

UNBOUNDED = 1 << 30
ROW_LENGTHS = (512, 1024, 2048, 4096, 8192)
"""A row is as long as its conversations ask for: attention costs the square. All batches are equally many tokens."""


@dataclass(frozen=True)
class Examples:
    """The dataset, unpacked: one item a token in `tokens`, `position`, `branch`, `fork`, `sampled`, `segment`."""

    tokens: np.ndarray
    position: np.ndarray
    branch: np.ndarray
    fork: np.ndarray
    sampled: np.ndarray
    segment: np.ndarray
    start: np.ndarray
    """First token of each conversation, and the end of the last."""
    held_out: np.ndarray
    skill: np.ndarray
    recalls: np.ndarray
    skills: list[str]
    shape: np.ndarray
    reserved: np.ndarray
    spelling: np.ndarray
    spelt: np.ndarray
    taught: np.ndarray
    copied: np.ndarray

    @classmethod
    def load(cls, path: Path) -> "Examples":
        with np.load(path) as file:
            data = {name: file[name] for name in file.files}
        length, fork = data["length"], data["fork"]
        begin = np.cumsum(length) - length
        is_trunk = fork < 0
        conversation = np.cumsum(is_trunk) - 1
        first_segment = np.flatnonzero(is_trunk)
        count = int(length.sum())
        segment = np.repeat(np.arange(len(length), dtype=np.int32), length)
        within = np.arange(count, dtype=np.int32) - begin[segment].astype(np.int32)
        return cls(
            tokens=data["low"].astype(np.int32) | data["high"].astype(np.int32) << 16,
            position=within + np.where(is_trunk, 0, fork)[segment].astype(np.int32),
            branch=(np.arange(len(length)) - first_segment[conversation])[segment].astype(np.int32),
            fork=np.where(is_trunk, UNBOUNDED, fork)[segment].astype(np.int32),
            sampled=np.unpackbits(data["sampled"])[:count].astype(bool),
            segment=segment,
            start=np.append(begin[first_segment], count),
            held_out=data["held_out"].astype(bool),
            skill=data["skill"],
            recalls=data["recalls"].astype(bool),
            skills=json.loads(str(data["skills"])),
            shape=data["shape"],
            reserved=data["reserved"],
            spelling=data["spelling"],
            spelt=data["spelt"],
            taught=data["taught"],
            copied=data["copied"],
        )

    def seen(self, at_least: int) -> np.ndarray:
        """The ids of tokens that occur so often in the training conversations, or must be known."""
        end = self.start[: len(self.held_out)][self.held_out].min(initial=len(self.tokens))
        counts = np.bincount(self.tokens[:end], minlength=len(self.shape))
        counts[self.taught] = max(at_least, counts.max())
        return np.flatnonzero(counts >= at_least)

    def batches(
        self, rng: np.random.Generator, tokens: int, *, held_out: bool, longest: int = ROW_LENGTHS[-1]
    ) -> Iterator["Packed"]:
        """All conversations of a split once that are no longer than `longest`, in random order."""
        lengths = np.diff(self.start)
        fits = np.flatnonzero((lengths <= longest) & (self.held_out == held_out))
        queue: list[tuple[list[list[int]], int]] = []
        for row_length, rows in _pack(rng.permutation(fits), lengths).items():
            rng.shuffle(rows)
            per_batch = max(1, tokens // row_length)
            rows += [[]] * (-len(rows) % per_batch)
            queue += [(rows[at : at + per_batch], row_length) for at in range(0, len(rows), per_batch)]
        for index in rng.permutation(len(queue)):
            yield self._batch(*queue[index])

    def _batch(self, rows: list[list[int]], row_length: int) -> "Packed":
        shape = (len(rows), row_length)
        arrays = {
            name: np.zeros(shape, np.int32) for name in ("tokens", "position", "trunk", "branch", "fork", "segment")
        }
        arrays["trunk"] -= 1
        arrays["segment"] -= 1
        sampled = np.zeros(shape, bool)
        for row, conversations in enumerate(rows):
            at = 0
            for conversation in conversations:
                span = slice(self.start[conversation], self.start[conversation + 1])
                here = slice(at, at + span.stop - span.start)
                for name in ("tokens", "position", "branch", "fork", "segment"):
                    arrays[name][row, here] = getattr(self, name)[span]
                arrays["trunk"][row, here] = conversation
                sampled[row, here] = self.sampled[span]
                at = here.stop
        segment = torch.from_numpy(arrays.pop("segment"))
        batch = Batch(
            **{name: torch.from_numpy(array) for name, array in arrays.items()}, sampled=torch.from_numpy(sampled)
        )
        return Packed(batch, segment)


@dataclass(frozen=True)
class Packed:
    batch: Batch
    segment: Tensor
    """int32 [rows, length]: the segment of each token, -1 for padding."""


def _pack(order: np.ndarray, lengths: np.ndarray, at_once: int = 4000) -> dict[int, list[list[int]]]:
    """Conversations in rows, by the rows' length. A row is as long as its longest conversation asks for; shorter ones
    fill it up, each the row that it leaves least room in.
    """
    rows: dict[int, list[list[int]]] = {row_length: [] for row_length in ROW_LENGTHS}
    for first in range(0, len(order), at_once):
        some = order[first : first + at_once]
        room: list[tuple[int, int, list[int]]] = []
        for number, conversation in enumerate(some[np.argsort(-lengths[some], kind="stable")].tolist()):
            length = int(lengths[conversation])
            place = bisect_left(room, (length,))
            if place < len(room):
                free, _, row = room.pop(place)
            else:
                free, row = next(row_length for row_length in ROW_LENGTHS if row_length >= length), []
                rows[free].append(row)
            row.append(conversation)
            insort(room, (free - length, number, row))
    return rows
