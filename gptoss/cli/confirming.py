"""Asks whether a patch may be applied (`--confirm`)."""

import select
import sys

from gptoss.cli.blocks import PatchBlock
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.output import Output
from gptoss.cli.terminal import asking
from gptoss.engine.errors import UsageError

_INTERVAL = 0.1
"""Seconds between two looks at whether the user has pressed Ctrl-C."""


class Confirmation:
    """Shows a diff at a terminal and asks. Raises UsageError where there is nobody to ask."""

    def __init__(self, out: Output, interrupts: Interrupts) -> None:
        if sys.stdin is None or not sys.stdin.isatty() or not out.is_terminal:
            raise UsageError("--confirm asks at a terminal, and there is none: leave it out, or run this in a terminal")
        self._out = out
        self._interrupts = interrupts

    def __call__(self, diff: str) -> bool:
        """Whether the user agrees. Ctrl-C raises CancelledError: it stops the turn and is no answer."""
        self._out.line()
        block = PatchBlock(self._out, "    ")
        block.write(diff)
        block.end()
        with asking():
            self._out.write("  Apply this patch? [y/N] ", "notice")
            while not select.select([sys.stdin], [], [], _INTERVAL)[0]:
                if self._interrupts():
                    self._out.end_line()
                    from asyncio import CancelledError  # whoever calls has loaded it

                    raise CancelledError
            answer = sys.stdin.readline()
        self._out.typed_line()
        return answer.strip().lower() in ("y", "yes")
