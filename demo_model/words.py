"""Words to fill slots with, those of training and of the held-out check apart.

What the model copies (names, cities, file names, ...) must be any word at all. So more than half of the words of the
training data are made from the vocabulary itself. A twelfth of its rarer tokens is reserved: training never makes a
word with one of them. The check uses what people type, the held-out fifth of natural lists (`lists.py`), and for every
fifth value a made-up word with at least one reserved token.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from random import Random

from demo_model import lists
from demo_model.wording import Split

Encode = Callable[[str], tuple[int, ...]]

RESERVED_SHARE = 12
RESERVED_FROM = 20_000
"""The vocabulary begins with its most frequent tokens: those are everywhere, and cannot be kept out of anything."""

MADE_UP: dict[Split, float] = {"train": 0.6, "held-out": 0.2}
"""The share of values that are made up, not taken from a list."""


def is_reserved(token: int) -> bool:
    """Whether no word of the training data is made with this token."""
    return (
        token >= RESERVED_FROM
        and blake2b(f"reserved {token}".encode(), digest_size=4).digest()[0] % RESERVED_SHARE == 0
    )


@lru_cache(maxsize=1)
def vocabulary(folder: Path) -> dict[int, bytes]:
    """Token id to bytes, of o200k_base.tiktoken in a folder."""
    rows = (folder / "o200k_base.tiktoken").read_bytes().splitlines()
    return {int(rank): b64decode(token) for token, rank in (row.split() for row in rows)}


class Words:
    """Draws words of one split. Needs the o200k vocabulary to make words that no list holds."""

    def __init__(self, encode: Encode, folder: Path, split: Split) -> None:
        self.encode = encode
        self._held_out = split == "held-out"
        self._made_up_share = MADE_UP[split]
        self._proper, self._lower, self._rest = [], [], []
        for token, data in vocabulary(folder).items():
            text = data.decode("utf-8", "replace")
            if is_reserved(token) != self._held_out:
                continue
            if re.fullmatch(r" [A-Z][a-z]{2,}", text):
                self._proper.append(text.strip())
            elif re.fullmatch(r" [a-z]{3,}", text):
                self._lower.append(text.strip())
            elif re.fullmatch(r"[a-z]{2,5}", text):
                self._rest.append(text)

    def listed(self, rng: Random, words: Sequence[str]) -> str:
        """An item of a list, of the part that belongs to the split."""
        return rng.choice(_part(tuple(words), self._held_out))

    def is_made_up(self, rng: Random) -> bool:
        """Whether the next value shall be a made-up one."""
        return rng.random() < self._made_up_share

    def _allowed(self, text: str) -> bool:
        if not self._held_out and text.lower() in _listed_for_the_check():
            return False
        reserved = any(is_reserved(token) for token in self.encode(" " + text))
        return reserved == self._held_out

    def _made_up(self, rng: Random, stems: list[str], tails: int) -> str:
        while True:
            # The vocabulary is in the order of frequency, roughly: common words come more often.
            word = stems[int(len(stems) * rng.random() ** 1.8)] + "".join(rng.choice(self._rest) for _ in range(tails))
            if self._allowed(word):
                return word

    def proper(self, rng: Random) -> str:
        """A capitalised word of one to three tokens, any at all."""
        return self._made_up(rng, self._proper, rng.choice((0, 0, 1, 1, 2)))

    def lower(self, rng: Random) -> str:
        """A word in small letters, any at all, mostly one token."""
        return self._made_up(rng, self._lower, rng.choice((0, 0, 0, 0, 0, 1)))

    def common(self, rng: Random) -> str:
        """A word in small letters that people know, or now and then any."""
        if self.is_made_up(rng):
            return self.lower(rng)
        return self.listed(rng, rng.choice((lists.NOUNS, lists.NOUNS, lists.ADJECTIVES, lists.VERBS, lists.LIKES[:70])))

    def phrase(self, rng: Random, most: int = 3) -> str:
        return " ".join(self.common(rng) for _ in range(rng.randint(1, most)))

    def name(self, rng: Random) -> str:
        name = self.proper(rng) if self.is_made_up(rng) else self.listed(rng, lists.NAMES)
        if rng.random() < 0.1:
            name += f" {self.proper(rng) if self.is_made_up(rng) else self.listed(rng, lists.NAMES)}"
        return name.lower() if rng.random() < 0.06 and self._allowed(name.lower()) else name

    def city(self, rng: Random) -> str:
        return self.proper(rng) if self.is_made_up(rng) else self.listed(rng, lists.CITIES)

    def colour(self, rng: Random) -> str:
        return self._of(rng, lists.COLOURS)

    def food(self, rng: Random) -> str:
        return self._of(rng, lists.FOODS)

    def job(self, rng: Random) -> str:
        return self._of(rng, lists.JOBS)

    def hobby(self, rng: Random) -> str:
        return self._of(rng, lists.HOBBIES)

    def like(self, rng: Random) -> str:
        return self._of(rng, rng.choice((lists.LIKES, lists.LIKES, lists.FOODS, lists.HOBBIES)))

    def pet(self, rng: Random) -> str:
        return self.listed(rng, lists.PETS)

    def attribute(self, rng: Random) -> tuple[str, str]:
        """Something that can be somebody's ("favourite season", "sister's name", "shoe size", "marble") and a value."""
        kind = rng.random()
        if kind < 0.25:
            return f"favourite {self.listed(rng, lists.THINGS)}", self._title(rng)
        if kind < 0.5:
            return "last name" if kind < 0.27 else self.listed(rng, lists.NAMED), self.name(rng)
        if kind < 0.6:
            return self.listed(rng, lists.NUMBERED), self._number(rng)
        if kind < 0.67:
            return rng.choice(lists.PLACED), self.city(rng)
        if kind < 0.85:
            return self.listed(rng, lists.WORDED), self._title(rng)
        thing = self.common(rng)
        owner = rng.random()
        if owner < 0.2:
            thing = f"{self.common(rng)}'s {thing}"
        elif owner < 0.5:
            thing = f"favourite {thing}"
        return thing, rng.choice((self._title, self._title, self.name, self._number))(rng)

    def _title(self, rng: Random) -> str:
        """What a favourite thing can be: a word or two, a brand, a name, "the silent river"."""
        kind = rng.random()
        if kind < 0.3:
            return self.phrase(rng, 2)
        if kind < 0.6:
            return self.proper(rng) if self.is_made_up(rng) else self.listed(rng, lists.BRANDS)
        if kind < 0.8:
            return self.like(rng)
        article = rng.choice(("the ", "The ", "a "))
        return f"{article}{self._of(rng, lists.ADJECTIVES)} {self._of(rng, lists.NOUNS)}"

    def _number(self, rng: Random) -> str:
        number = str(rng.randint(0, 10 ** rng.randint(1, 4)))
        return number + rng.choice(("", "", "", " cm", " kilos")) if rng.random() < 0.7 else f"{number} {number[::-1]}"

    def _of(self, rng: Random, words: Sequence[str]) -> str:
        if not self.is_made_up(rng):
            return self.listed(rng, words)
        return " ".join(self.lower(rng) for _ in range(rng.randint(1, 2)))


@cache
def _listed_for_the_check() -> frozenset[str]:
    """Single words, in small letters, that the lists keep for the check."""
    held = (_part(tuple(words), True) for name, words in vars(lists).items() if name.isupper())
    return frozenset(word.lower() for words in held for text in words for word in text.split())


@cache
def _part(words: tuple[str, ...], held_out: bool) -> list[str]:
    """A fifth of a list is held out, at least one item."""
    part = [word for word in words if (blake2b(word.encode(), digest_size=4).digest()[0] % 5 == 0) == held_out]
    return part or list(words[:1])
