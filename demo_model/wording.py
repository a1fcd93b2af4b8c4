"""Many wordings from one line: a small pattern language, and the ways in which people type.

A pattern is text with choices `(a|b)` and options `[a]`, which nest; `{slot}` stays as it is until it is filled.
"""

import re
from collections.abc import Callable
from functools import cache
from random import Random
from typing import Literal

Split = Literal["train", "held-out"]

# A tree of lists (sequences), tuples (choices) and strings.
Tree = str | list["Tree"] | tuple["Tree", ...]

_PREFIXES: dict[Split, tuple[str, ...]] = {
    "train": (
        *("Hi, ", "Hey, ", "Hello, ", "Please, ", "Okay, ", "Ok, ", "So, ", "And ", "Now, ", "Hey gptoss, ", "Um, "),
        *("Alright, ", "Then ", "Good, ", "Right, ", "Great. ", "Thanks. ", "Listen, ", "Also, ", "But "),
        *("I have a question: ", "One question: ", "Just so you know, ", "By the way, ", "Please: ", "Oh, ", "Wait, "),
        *("My question: ", "Next question: ", "Another question: ", "Tell me: ", "Thank you! ", "Cool, ", "Hmm, "),
        *("Hello model, ", "Hi gptoss, ", "Well then, ", "Now ", "Ok now, ", "First, ", "Second, ", "Last question: "),
    ),
    "held-out": ("Well, ", "Thank you. ", "Ok then, ", "One more question: ", "Hello gptoss, ", "Now then, "),
}
_SUFFIXES = (" please", ", please", " Thanks!", " thanks", " :)", "!", " Thank you.")


_LITERAL = re.compile(r"[^(\[|)\]]+|.", re.DOTALL)


@cache
def _parse(pattern: str) -> Tree:
    tree, rest = _sequence(pattern, "")
    if rest:
        raise ValueError(f"unbalanced pattern: {pattern}")
    return tree


def _sequence(text: str, closing: str) -> tuple[Tree, str]:
    """Parse up to the closing bracket, which stays in the rest; choices are split at top-level bars."""
    choices: list[Tree] = []
    parts: list[Tree] = []
    while text and text[0] != closing:
        if text[0] in "([":
            inner, rest = _sequence(text[1:], ")" if text[0] == "(" else "]")
            if not rest:
                raise ValueError(f"no closing bracket after: {text}")
            parts.append(inner if text[0] == "(" else (inner, ""))
            text = rest[1:]
        elif text[0] == "|" and closing:
            choices.append(parts)
            parts, text = [], text[1:]
        else:
            literal = _LITERAL.match(text)
            if literal is None:
                raise ValueError(f"empty pattern: {text}")
            parts.append(literal[0])
            text = text[literal.end() :]
    return ((*choices, parts) if choices else parts), text


def _draw(rng: Random, tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    if isinstance(tree, tuple):
        return _draw(rng, rng.choice(tree))
    return "".join(_draw(rng, part) for part in tree)


def expand(rng: Random, pattern: str) -> str:
    """One wording of a pattern, slots left in place."""
    return re.sub(r"  +", " ", _draw(rng, _parse(pattern))).strip()


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Matches all wordings of a pattern, in capital or small letters."""

    def source(tree: Tree) -> str:
        if isinstance(tree, str):
            return re.escape(tree).replace(r"\ ", " *")
        if isinstance(tree, tuple):
            return f"(?:{'|'.join(source(choice) for choice in tree)})"
        return "".join(source(part) for part in tree)

    return re.compile(" *" + source(_parse(pattern)) + " *", re.IGNORECASE)


def is_wording_of(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether a wording, slots left in place, is one of those that the patterns can make. Ends do not count."""
    bare = text.rstrip(".?! ")
    return any(
        _expression(pattern.rstrip(".?! ")).fullmatch(bare + end) for pattern in patterns for end in ("", ".", "!", "?")
    )


def fill(text: str, /, **values: object) -> str:
    """Put values into slots; a function is called anew for each slot."""

    def value(slot: re.Match[str]) -> str:
        found = values[slot[1]]
        return str(found() if callable(found) else found)

    return re.sub(r"\{(\w+)\}", value, text)


def casual(rng: Random, text: str, split: Split, any_word: Callable[[Random], str]) -> str:
    """The same words as hurried or polite people type them. Slots are untouched: what they will hold is copied.

    `any_word` makes any word at all: now and then one stands in front, so that none in that place means anything.
    """
    if rng.random() < 0.16:
        prefix = rng.choice(_PREFIXES[split])
        if rng.random() < 0.35:
            prefix = f"{any_word(rng).capitalize()}{rng.choice((', ', ', ', '. ', ': '))}"
        if prefix[-2] not in ".!:" and not re.match(r"I\b|I'|\{", text):
            text = text[:1].lower() + text[1:]
        text = prefix + text
    shape = rng.random()
    if shape < 0.22:
        text = "".join(part if part.startswith("{") else part.lower() for part in re.split(r"(\{\w+\})", text))
    if rng.random() < 0.22:
        text = text.rstrip(".?!")
        if rng.random() < 0.3 and not text.endswith("}"):  # behind a value it would read as a part of it
            text += rng.choice(_SUFFIXES)
    elif rng.random() < 0.04:
        text += text[-1] if text[-1] in "?!" else ""
    return text


def worded(rng: Random, split: Split, train: tuple[str, ...], held_out: tuple[str, ...]) -> str:
    """A wording of the split, slots left in place. Patterns may overlap: training leaves out what the check may ask."""
    if split == "held-out":
        return expand(rng, rng.choice(held_out))
    for _ in range(1000):
        text = expand(rng, rng.choice(train))
        if not is_wording_of(text, held_out):
            return text
    raise ValueError(f"the check may ask all that training could: {train}")


def user_says(
    rng: Random,
    split: Split,
    train: tuple[str, ...],
    held_out: tuple[str, ...],
    any_word: Callable[[Random], str],
    /,
    **values: object,
) -> str:
    """What a user types for an intent that can be worded in these ways."""
    return fill(casual(rng, worded(rng, split, train, held_out), split, any_word), **values)
