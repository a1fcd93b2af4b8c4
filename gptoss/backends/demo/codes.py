"""A code of signs for every token, computed from its id.

The demonstration model has embeddings of its own for a few thousand tokens only. All others share one for each shape of
word and differ by this code alone, in their embedding as in their unembedding: what a model needs to copy a word that
it has never seen.

A word at the beginning of a line or behind a quotation mark is spelt with other tokens than the same word behind a
space: " eggs" is one token, "eggs" is "eg" and "gs". So the embedding of a word holds, beside its own code, those of
the tokens that spell it without the space.
"""

import numpy as np
from numpy.typing import NDArray

WIDTH = 64
"""Signs in a code, one for each bit of a 64-bit hash."""

PIECES = 2
"""Tokens that a word without its space is spelt with, at most."""

NO_PIECE = 0xFFFFFF


def codes(count: int) -> NDArray[np.float32]:
    """float32 [count, 64] of +1 and -1: the bits of the splitmix64 hash of the ids 0 to count - 1."""
    with np.errstate(over="ignore"):
        hashed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        hashed = (hashed ^ (hashed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        hashed = (hashed ^ (hashed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        hashed ^= hashed >> np.uint64(31)
    bits = np.unpackbits(hashed.astype("<u8").view(np.uint8).reshape(count, 8), axis=1)
    return bits.astype(np.float32) * 2 - 1


def codes_of_pieces(code: NDArray[np.float32], spelling: NDArray[np.int32]) -> NDArray[np.float32]:
    """float32 [words, 2 * 64]: the codes of a word's pieces one after the other, zeros where there is none.

    `code` is what `codes` gives, `spelling` int32 [words, 2] the pieces' ids or NO_PIECE.
    """
    there = spelling < len(code)
    found = code[np.where(there, spelling, 0)] * there[..., None]
    spelt: NDArray[np.float32] = found.reshape(len(spelling), PIECES * WIDTH).astype(np.float32)
    return spelt
