"""The training and the held-out conversations as one file of arrays.

low       uint16 [n]    token ids, the lower 16 bits
high      uint8 [n]     and the bits above
sampled   uint8 [n/8]   packed bits: whether the model samples the token, so whether it is trained on
length    int32 [s]     tokens of each segment: a trunk, then its branches, conversation by conversation
fork      int32 [s]     how many trunk tokens a branch continues; -1 for a trunk
skill     uint8 [s]     index into `skills`, 255 for a trunk
recalls   uint8 [s]     whether a branch's answer depends on earlier turns
held_out  uint8 [c]     whether a conversation is for the check
shape     uint8 [v]     the kind of word that each token of the whole vocabulary is
reserved  int32 [r]     tokens that no word of the training data is made with
taught    int32 [m]     tokens that the model must know by themselves, however rare
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from random import Random

import numpy as np

from demo_model.encoding import Branch, Encoded, encode
from demo_model.shapes import token_shapes
from demo_model.skills import SKILLS
from demo_model.skills.capitals import TAUGHT
from demo_model.words import Words, is_reserved
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


class _Writer:
    def __init__(self) -> None:
        self.ids: list[np.ndarray] = []
        self.sampled: list[np.ndarray] = []
        self.length: list[int] = []
        self.fork: list[int] = []
        self.skill: list[int] = []
        self.recalls: list[int] = []
        self.held_out: list[int] = []
        self.taught: set[int] = set()

    def add(self, encoded: Encoded, held_out: bool) -> None:
        names = list(SKILLS)
        self._segment(encoded.trunk, (False,) * len(encoded.trunk), -1, TRUNK, False)
        for branch in encoded.branches:
            self._segment(branch.ids, branch.sampled, branch.fork, names.index(branch.turn.skill), branch.turn.recalls)
            if not held_out:
                self.taught |= _not_copied(encoded.trunk[: branch.fork], branch)
        self.held_out.append(held_out)

    def _segment(self, ids: tuple[int, ...], sampled: tuple[bool, ...], fork: int, skill: int, recalls: bool) -> None:
        self.ids.append(np.array(ids, np.int32))
        self.sampled.append(np.array(sampled, bool))
        self.length.append(len(ids))
        self.fork.append(fork)
        self.skill.append(skill)
        self.recalls.append(recalls)


def build(
    out: Path, harmony: Harmony, folder: Path, *, conversations: int, held_out: int, most_turns: int, seed: int
) -> None:
    """Write the dataset. The same arguments give the same file."""
    writer = _Writer()
    sizes = [size for size in SIZES if size[2] <= most_turns]
    for split, count in (("train", conversations), ("held-out", held_out)):
        words = Words(harmony.encode, folder, split)
        rng = Random(f"{seed} {split}")
        for index in range(count):
            _, fewest, most = rng.choices(sizes, [share for share, _, _ in sizes])[0]
            conversation = write(rng, words, split, rng.randint(fewest, most))
            writer.add(_chosen_branches(rng, encode(conversation, harmony)), split == "held-out")
            if (index + 1) % 10_000 == 0:
                print(f"{index + 1} {split} conversations, {sum(writer.length):,} tokens", flush=True)
    ids = np.concatenate(writer.ids)
    for text in TAUGHT:
        for spelling in (f" {text}", f" {text.lower()}"):
            writer.taught.update(harmony.encode(spelling))
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        out,
        low=(ids & 0xFFFF).astype(np.uint16),
        high=(ids >> 16).astype(np.uint8),
        sampled=np.packbits(np.concatenate(writer.sampled)),
        length=np.array(writer.length, np.int32),
        fork=np.array(writer.fork, np.int32),
        skill=np.array(writer.skill, np.uint8),
        recalls=np.array(writer.recalls, np.uint8),
        held_out=np.array(writer.held_out, np.uint8),
        shape=token_shapes(folder, VOCABULARY_SIZE),
        reserved=np.array([token for token in range(VOCABULARY_SIZE) if is_reserved(token)], np.int32),
        taught=np.array(sorted(writer.taught), np.int32),
        skills=np.array(json.dumps(list(SKILLS))),
    )
    taught = Counter(skill for skill in writer.skill if skill != TRUNK)
    print(f"{len(ids):,} tokens, {out.stat().st_size / 1e6:.1f} MB")
    print({name: taught[index] for index, name in enumerate(SKILLS)})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "gptoss")
    parser.add_argument("--conversations", type=int, default=90_000)
    parser.add_argument("--held-out", type=int, default=2_500)
    parser.add_argument("--most-turns", type=int, default=215, help="longest conversations to write")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    build(
        options.out,
        Harmony.load(options.cache),
        vocabulary_folder(options.cache),
        conversations=options.conversations,
        held_out=options.held_out,
        most_turns=options.most_turns,
        seed=options.seed,
    )


if __name__ == "__main__":
    main()
