"""How many columns a text takes on a terminal."""

from unicodedata import combining, east_asian_width


def width_of(text: str) -> int:
    """Columns: two for a wide character such as 字, none for a combining one."""
    # Most characters are plain ones, also in a text that has others.
    return len(text) + (0 if text.isascii() else sum(_width(one) - 1 for one in text if one > "\x7f"))


def fitted(text: str, width: int) -> str:
    """The text cut to `width` columns, the last of which then is an ellipsis."""
    if width_of(text) <= width:
        return text
    if text.isascii():
        return text[: max(width - 1, 0)] + "…"
    taken = 0
    for position, character in enumerate(text):
        taken += 1 if character <= "\x7f" else _width(character)
        if taken > width - 1:
            return text[:position] + "…"
    return text


def padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def is_wide(character: str) -> bool:
    return not character.isascii() and east_asian_width(character) in "WF"


def _width(character: str) -> int:
    if combining(character) or character in "\u200d\ufe0e\ufe0f":
        return 0
    return 2 if is_wide(character) else 1
