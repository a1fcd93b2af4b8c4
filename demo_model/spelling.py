"""How a word is spelt where no space stands before it: at the beginning of a line, behind a quotation mark.

The model copies words from its prompt, where most have a space before them, into patches, queries and code, where they
have none. The vocabulary has other tokens for that, up to any number; here it is one token or two, which nearly every
word can be put together from. The text is the same: only the tokens differ from those that the tokeniser would choose.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from demo_model.shapes import WORDS, token_shapes
from demo_model.words import vocabulary
from gptoss.backends.demo.codes import NO_PIECE, PIECES

Encode = Callable[[str], tuple[int, ...]]

MARK = "\0"
"""Stands before a word that is to be spelt without a space, in texts that `encode_marked` takes."""

JOINT = "\1"
"""Stands where no token may span: a word behind it is spelt as at the beginning of a line."""


@lru_cache(maxsize=1)
def spellings(encode: Encode, folder: Path, size: int) -> np.ndarray:
    """int32 [size, 2]: the pieces of each token that is a space and a word, NO_PIECE where there is none."""
    ids = {data: token for token, data in vocabulary(folder).items()}
    shapes = token_shapes(folder, size)
    table = np.full((size, PIECES), NO_PIECE, np.int32)
    for data, token in ids.items():
        if shapes[token] in WORDS:
            pieces = _pieces(data[1:], ids, encode)
            table[token, : len(pieces)] = pieces
    return table


def _pieces(word: bytes, ids: dict[bytes, int], encode: Encode) -> tuple[int, ...]:
    """What the tokeniser makes of it, or two tokens of which the first is as long as can be; else nothing."""
    usual = encode(word.decode())
    if len(usual) <= PIECES:
        return usual
    for cut in range(len(word) - 1, 0, -1):
        if word[:cut] in ids and word[cut:] in ids:
            return ids[word[:cut]], ids[word[cut:]]
    return ()


class Speller:
    """Text to tokens, with marked words spelt as the model writes them."""

    def __init__(self, encode: Encode, folder: Path, size: int) -> None:
        self._encode = encode
        self.table = spellings(encode, folder, size)
        self.used: set[int] = set()
        """Tokens that were spelt without their space, and those that they were spelt with."""

    def pieces(self, token: int) -> tuple[int, ...]:
        return tuple(piece for piece in self.table[token].tolist() if piece != NO_PIECE)

    def encode_marked(self, text: str) -> tuple[int, ...]:
        """Tokens of a text with marks; a marked word that has no spelling of its own keeps the usual one."""
        first, *rest = re.split(f"([{MARK}{JOINT}])", text)
        ids = list(self._encode(first))
        for sign, part in zip(rest[::2], rest[1::2], strict=True):
            if sign == JOINT:
                ids += self._encode(part)
                continue
            spaced = self._encode(f" {part}")
            pieces = self.pieces(spaced[0])
            if pieces:
                self.used.update((spaced[0], *pieces))
            ids += (*pieces, *spaced[1:]) if pieces else self._encode(part)
        return tuple(ids)


def unmarked(text: str) -> str:
    return text.replace(MARK, "").replace(JOINT, "")
