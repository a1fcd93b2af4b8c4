"""What a cell of a notebook shows, collected message by message and turned into what the model and the user get."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gptoss.tools.python import texts

MOST = 10_000_000
"""Characters that are collected; code that writes more is stopped."""
SHOWN = 3000
"""Characters at the beginning, and as many at the end, that the model reads of a long output."""
LARGEST_IMAGE = 20_000_000
MOST_IMAGES = 20

_ANSI = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
_IMAGES = {"image/png": "png", "image/jpeg": "jpg"}


class Image(Struct, frozen=True):
    name: str
    media_type: str
    data: bytes


class Output:
    """The messages of one call. `failed` says whether the code ended with an exception."""

    def __init__(self, images_before: int = 0) -> None:
        self.images: list[Image] = []
        self.failed = False
        self.size = 0
        self._images_before = images_before
        self._parts: list[str] = []

    def add(self, kind: str, content: Mapping[str, Any]) -> None:
        """Take a message of the kernel's output channel; kinds that show nothing are ignored."""
        if kind == "stream":
            self._text(str(content["text"]))
        elif kind in ("execute_result", "display_data"):
            self._block(self._displayed(content["data"]))
        elif kind == "error":
            self.failed = True
            self._block("\n".join(_frames(content["ename"], [str(frame) for frame in content["traceback"]])))
        elif kind == "clear_output":
            self._parts.clear()

    def text(self) -> str:
        """All of it: no colour codes, of a line that was written over what was left, no newlines at the end."""
        lines = _ANSI.sub("", "".join(self._parts)).split("\n")
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
        return text.rstrip().encode("utf-8", "replace").decode()

    @property
    def too_large(self) -> bool:
        return self.size > MOST

    def _displayed(self, data: Mapping[str, Any]) -> str:
        for media_type, ending in _IMAGES.items():
            if media_type in data:
                return self._image(media_type, ending, str(data[media_type]))
        text = data.get("text/plain") or next(iter(data.values()), "")
        return text if isinstance(text, str) else repr(text)

    def _image(self, media_type: str, ending: str, encoded: str) -> str:
        self.size += len(encoded) // 100
        name = f"plot-{self._images_before + len(self.images) + 1}.{ending}"
        try:
            data = base64.b64decode(encoded)
        except binascii.Error:
            data = b""
        if not data or len(data) > LARGEST_IMAGE or len(self.images) >= MOST_IMAGES:
            return texts.IMAGE_LEFT_OUT
        self.images.append(Image(name, media_type, data))
        return texts.image(name)

    def _block(self, text: str) -> None:
        """Text on lines of its own."""
        if self._parts and not self._parts[-1].endswith("\n"):
            self._text("\n")
        self._text(f"{text}\n")

    def _text(self, text: str) -> None:
        self._parts.append(text[: max(MOST - self.size, 0)])
        self.size += len(text)


def _frames(name: str, traceback: list[str]) -> list[str]:
    """The frames of a traceback that help: of code that was interrupted, only where in the cells it was."""
    if name != "KeyboardInterrupt":
        return traceback
    return [*traceback[:2], *(frame for frame in traceback[2:-1] if "Cell In" in frame[:80]), *traceback[-1:]]


def shorten(text: str) -> str:
    """The beginning and the end of a long text."""
    left_out = len(text) - 2 * SHOWN
    return f"{text[:SHOWN]}{texts.cut(left_out)}{text[-SHOWN:]}" if left_out > 0 else text
