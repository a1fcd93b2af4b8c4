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
spelling  int32 [v, 2]  the tokens that spell a word without its space (`demo_model.spelling`)
spelt     int32 [t]     tokens that the training data spells so, and those that it spells them with
taught    int32 [m]     tokens that the model must know by themselves, however rare
copied    int32 [w]     tokens that it must not know by themselves, however frequent (`demo_model.known`)
"""

import argparse
import json
import os
from collections import Counter
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from demo_model.known import values_only
from demo_model.part import TRUNK, VOCABULARY_SIZE, Order, Part, write_part
from demo_model.shapes import token_shapes
from demo_model.skills import SKILLS
from demo_model.skills.capitals import TAUGHT
from demo_model.spelling import spellings
from demo_model.words import is_reserved
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import vocabulary_folder

PART = 500
"""Conversations that one process writes at a time."""


def build(
    out: Path, cache: Path, *, conversations: int, held_out: int, most_turns: int, seed: int, processes: int
) -> None:
    """Write the dataset. The same arguments give the same file, however many processes write it."""
    harmony, folder = Harmony.load(cache), vocabulary_folder(cache)
    orders = [
        Order(cache, split, min(PART, count - first), most_turns, f"{seed} {split} {first}")
        for split, count in (("train", conversations), ("held-out", held_out))
        for first in range(0, count, PART)
    ]
    written = Part()
    with Pool(processes) as pool:
        for part in pool.imap(write_part, orders):
            written.extend(part)
            print(f"{len(written.held_out):,} conversations, {sum(written.length):,} tokens", flush=True)
    ids = np.concatenate(written.ids)
    # Pieces stand nowhere before, but follow from the word that they spell.
    not_copied = written.taught - written.spelt
    for text in TAUGHT:
        for spelling in (f" {text}", f" {text.lower()}"):
            not_copied.update(harmony.encode(spelling))
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        out,
        low=(ids & 0xFFFF).astype(np.uint16),
        high=(ids >> 16).astype(np.uint8),
        sampled=np.packbits(np.concatenate(written.sampled)),
        length=np.array(written.length, np.int32),
        fork=np.array(written.fork, np.int32),
        skill=np.array(written.skill, np.uint8),
        recalls=np.array(written.recalls, np.uint8),
        held_out=np.array(written.held_out, np.uint8),
        shape=token_shapes(folder, VOCABULARY_SIZE),
        reserved=np.array([token for token in range(VOCABULARY_SIZE) if is_reserved(token)], np.int32),
        spelling=spellings(harmony.encode, folder, VOCABULARY_SIZE),
        spelt=np.array(sorted(written.spelt), np.int32),
        taught=np.array(sorted(not_copied), np.int32),
        copied=np.array(sorted(values_only(harmony.encode) - not_copied), np.int32),
        skills=np.array(json.dumps(list(SKILLS))),
    )
    turns = Counter(skill for skill in written.skill if skill != TRUNK)
    print(
        f"{len(ids):,} tokens, {out.stat().st_size / 1e6:.1f} MB, {len(not_copied)} taught, {len(written.spelt)} spelt"
    )
    print({name: turns[index] for index, name in enumerate(SKILLS)})


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "gptoss")
    parser.add_argument("--conversations", type=int, default=90_000)
    parser.add_argument("--held-out", type=int, default=2_500)
    parser.add_argument("--most-turns", type=int, default=215, help="longest conversations to write")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    build(
        options.out,
        options.cache,
        conversations=options.conversations,
        held_out=options.held_out,
        most_turns=options.most_turns,
        seed=options.seed,
        processes=options.processes,
    )


if __name__ == "__main__":
    main()
