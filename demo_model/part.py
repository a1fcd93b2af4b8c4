"""A part of the dataset: some conversations, written and encoded by one process."""

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import numpy as np

from demo_model.encoding import Branch, Encoded, encode
from demo_model.skills import SKILLS
from demo_model.spelling import Speller
from demo_model.wording import Split
from demo_model.words import Words
from demo_model.writing import write
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import vocabulary_folder

VOCABULARY_SIZE = 201_088
TRUNK = 255

# Conversations by size: (share of the conversations, fewest and most turns).
SIZES = ((0.87, 1, 5), (0.11, 6, 14), (0.016, 20, 45), (0.004, 60, 215))
LONGEST_TRUNK = 7800
LONGEST = 8190


def _chosen_branches(rng: Random, encoded: Encoded) -> Encoded:
    """In long conversations train the answers that need memory and some of the others, to fit LONGEST."""
    branches = list(encoded.branches)
    if len(branches) > 45:
        branches = [branch for branch in branches if rng.random() < (0.5 if branch.turn.recalls else 0.1)]
    trunk = encoded.trunk
    branches = [branch for branch in branches if branch.fork <= LONGEST_TRUNK]
    if len(trunk) > LONGEST_TRUNK:
        trunk = trunk[: max((branch.fork for branch in branches), default=LONGEST_TRUNK)]
    while len(trunk) + sum(len(branch.ids) for branch in branches) > LONGEST:
        branches.pop(rng.randrange(len(branches)))
    return Encoded(trunk, tuple(branches))


def _not_copied(before: tuple[int, ...], branch: Branch) -> set[int]:
    """The tokens that the model samples though they stand nowhere before: it must know them."""
    given = {token for token, sampled in zip(branch.ids, branch.sampled, strict=True) if not sampled}
    return set(branch.ids) - given - set(before)


@dataclass
class Part:
    """Some conversations, one item a segment or a conversation."""

    ids: list[np.ndarray] = field(default_factory=list)
    sampled: list[np.ndarray] = field(default_factory=list)
    length: list[int] = field(default_factory=list)
    fork: list[int] = field(default_factory=list)
    skill: list[int] = field(default_factory=list)
    recalls: list[int] = field(default_factory=list)
    held_out: list[int] = field(default_factory=list)
    taught: set[int] = field(default_factory=set)
    spelt: set[int] = field(default_factory=set)

    def add(self, encoded: Encoded, held_out: bool) -> None:
        names = list(SKILLS)
        self._segment(encoded.trunk, (False,) * len(encoded.trunk), -1, TRUNK, False)
        for branch in encoded.branches:
            self._segment(branch.ids, branch.sampled, branch.fork, names.index(branch.turn.skill), branch.turn.recalls)
            if not held_out:
                self.taught |= _not_copied(encoded.trunk[: branch.fork], branch)
        self.held_out.append(held_out)

    def extend(self, other: "Part") -> None:
        for name, value in vars(other).items():
            if isinstance(value, set):
                getattr(self, name).update(value)
            else:
                getattr(self, name).extend(value)

    def _segment(self, ids: tuple[int, ...], sampled: tuple[bool, ...], fork: int, skill: int, recalls: bool) -> None:
        self.ids.append(np.array(ids, np.int32))
        self.sampled.append(np.array(sampled, bool))
        self.length.append(len(ids))
        self.fork.append(fork)
        self.skill.append(skill)
        self.recalls.append(recalls)


@dataclass(frozen=True)
class Order:
    cache: Path
    split: Split
    conversations: int
    most_turns: int
    seed: str


def write_part(order: Order) -> Part:
    harmony, folder = Harmony.load(order.cache), vocabulary_folder(order.cache)
    words = Words(harmony.encode, folder, order.split)
    speller = Speller(harmony.encode, folder, VOCABULARY_SIZE)
    rng = Random(order.seed)
    sizes = [size for size in SIZES if size[2] <= order.most_turns]
    part = Part()
    for _ in range(order.conversations):
        _, fewest, most = rng.choices(sizes, [share for share, _, _ in sizes])[0]
        conversation = write(rng, words, order.split, rng.randint(fewest, most))
        part.add(_chosen_branches(rng, encode(conversation, harmony, speller)), order.split == "held-out")
    if order.split == "train":
        part.spelt = speller.used
    return part
