"""A terminal for tests: `gptoss chat` in a pty, the keys that are pressed and what is on the screen."""

import re
from collections.abc import Callable

import pexpect

Open = Callable[..., "pexpect.spawn[str]"]

ENTER, ALT_ENTER, CTRL_C, CTRL_D = "\r", "\x1b\r", "\x03", "\x04"
PROMPT = "\x1b[?2004h"
"""What the line editor sends when it is ready for keys: it asks the terminal to mark what is pasted."""


def plain(text: str) -> str:
    """Without the sequences that move the cursor or colour."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r", "", text)


def say(child: "pexpect.spawn[str]", text: str) -> None:
    child.expect_exact(PROMPT)
    child.send(text + ENTER)


def leave(child: "pexpect.spawn[str]") -> str:
    """Press Ctrl-D; what the screen showed since the last wait."""
    child.expect_exact(PROMPT)
    child.send(CTRL_D)
    child.expect(pexpect.EOF)
    child.close()
    shown: str = child.before or ""
    return plain(shown)
