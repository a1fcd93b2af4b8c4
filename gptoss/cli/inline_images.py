"""Pictures within the text of a terminal, for those that say of themselves that they can show them.

Two protocols are spoken: kitty's (https://sw.kovidgoyal.net/kitty/graphics-protocol/) and iTerm2's
(https://iterm2.com/documentation-images.html). A terminal multiplexer in between would have to pass them on, which most
do not.
"""

import os
from base64 import b64encode
from typing import Literal

_CHUNK = 4096
_PNG = b"\x89PNG"


def protocol() -> Literal["kitty", "iterm2"] | None:
    """The protocol of this terminal, as far as its environment tells."""
    if os.environ.get("TMUX") or os.environ.get("STY"):
        return None
    program, terminal = os.environ.get("TERM_PROGRAM", ""), os.environ.get("TERM", "")
    if os.environ.get("KITTY_WINDOW_ID") or terminal in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
        return "kitty"
    return "iterm2" if program in ("iTerm.app", "WezTerm") else None


def inline(data: bytes) -> str | None:
    """What shows a picture where the cursor is; None where the terminal, or this one of its kind, cannot be shown."""
    speaks = protocol()
    encoded = b64encode(data).decode()
    if speaks == "iterm2":
        return f"\x1b]1337;File=inline=1;size={len(data)}:{encoded}\x07"
    if speaks == "kitty" and data.startswith(_PNG):
        chunks = [encoded[start : start + _CHUNK] for start in range(0, len(encoded), _CHUNK)]
        last = len(chunks) - 1
        return "".join(
            f"\x1b_G{'a=T,f=100,' if not index else ''}m={int(index < last)};{chunk}\x1b\\"
            for index, chunk in enumerate(chunks)
        )
    return None
