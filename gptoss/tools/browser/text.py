"""Text from outside, made fit to stand in a page.

A page is untrusted. It must not be able to forge what the frame around it is made of (links in `【】`, a header on a
line of its own), nor hide text from the person who reads along while the model obeys it.
"""

import re

_GONE: dict[int, str | None] = {
    **{code: None for code in range(0x20) if chr(code) not in "\n\t"},
    **dict.fromkeys(range(0x7F, 0xA0)),
    # Invisible: zero width space, soft hyphen, byte order mark, bidirectional overrides, the tag characters. The
    # joiners U+200C and U+200D stay, because words of many languages need them.
    **dict.fromkeys((0xAD, 0x200B, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    **dict.fromkeys(range(0xE0000, 0xE0080)),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}
_FRAME: dict[int, str | None] = {**_GONE, ord("【"): "〖", ord("】"): "〗", 0x2028: "\n", 0x2029: "\n"}


LINK = re.compile(r"【(\d+†)([^†】]*)((?:†[^】]*)?)】")
"""A link as it stands in a page. Its second group is the text; a line may have been broken anywhere in it."""


def clean(text: str) -> str:
    """The text without characters that cannot be seen, and with other brackets than those of links."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_FRAME)


def visible(text: str) -> str:
    """The text without characters that cannot be seen; brackets stay. For what is searched for, not shown."""
    return text.translate(_GONE)


def one_line(text: str, limit: int = 200) -> str:
    """Clean text on one line, cut to `limit` characters."""
    return shorten(" ".join(clean(text).split()), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a space where one is near, the cut shown as `…`."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    return (re.sub(r"\s\S{0,20}$", "", kept) or kept) + "…"
