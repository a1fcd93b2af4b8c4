"""What kind of word a token is, seen from outside.

Tokens that training does not see often enough have no embedding of their own. They share one for each shape, and differ
by their code (`gptoss.backends.demo.codes`): so the model can tell that an unknown word is a name, and copy it.
"""

import re
from functools import lru_cache
from pathlib import Path

import numpy as np

from demo_model.words import vocabulary

SHAPES = (r" [A-Z][A-Za-z]*", r" [a-z]+", r"[A-Z][A-Za-z]*", r"[a-z]+", r"[0-9]+", r"[\x00-\x7f]+", r".*")
"""Patterns, the first that matches wins; what has no text (special and unused tokens) is of one more shape."""

WORDS = (0, 1)
"""The shapes that are a space and a word."""


@lru_cache(maxsize=1)
def token_shapes(folder: Path, size: int) -> np.ndarray:
    """uint8 [size]: the index into SHAPES of each token, len(SHAPES) for special tokens."""
    shapes = np.full(size, len(SHAPES), np.uint8)
    patterns = [re.compile(shape, re.DOTALL) for shape in SHAPES]
    for token, data in vocabulary(folder).items():
        text = data.decode("utf-8", "replace")
        shapes[token] = next(index for index, pattern in enumerate(patterns) if pattern.fullmatch(text))
    return shapes
