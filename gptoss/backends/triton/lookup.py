"""What the next tokens may be, and whether it pays to try them: looked up in what came before.

A text that repeats what it has read, a file with a few lines changed, a quotation, is mostly a copy: what followed the
last few tokens when they came before is likely to follow now (prompt lookup; A. Saxena, 2023).
"""

from array import array
from collections.abc import Sequence

MATCH = 4
"""So many tokens must have come before in this order."""

FIRST_PAUSE, LONGEST_PAUSE = 8, 512
"""Tokens drawn one by one after drafts that were not worth it: twice as many each time."""


class Lookup:
    """The tokens so far, and how good drafts have been lately.

    Computing a token with its draft takes as long as `cost` single steps and gives at least one token. Drafts are made
    while they have lately given more than that.
    """

    def __init__(self, ids: Sequence[int], draft: int, cost: float) -> None:
        """`draft` is how many tokens a draft has."""
        self._text = array("i", ids)
        self._bytes = bytearray(self._text.tobytes())
        self._draft = draft
        self._cost = cost
        self._gain = float(draft + 1)
        self._pause = FIRST_PAUSE
        self._waiting = 0

    def add(self, token: int) -> None:
        """A token that was drawn."""
        self._text.append(token)
        self._bytes += self._text[-1:].tobytes()
        self._waiting = max(self._waiting - 1, 0)

    def draft(self) -> list[int]:
        """The tokens that may come next, a whole draft of them, or none."""
        if self._waiting or (start := self._after_match()) < 0:
            return []
        draft: list[int] = []
        for n in range(start, start + self._draft):  # a match next to the end is a text that repeats itself
            draft.append(self._text[n] if n < len(self._text) else draft[n - len(self._text)])
        return draft

    def learn(self, gained: int) -> None:
        """A draft was tried, and gave so many tokens."""
        self._gain = 0.75 * self._gain + 0.25 * gained
        if self._gain >= self._cost:
            self._pause = FIRST_PAUSE
            return
        self._waiting = self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._gain = self._cost  # the next draft counts on its own

    def _after_match(self) -> int:
        """Where the last tokens have come before, the place after them; -1 if they have not."""
        if len(self._text) <= MATCH:
            return -1
        size = self._text.itemsize
        wanted = self._bytes[-MATCH * size :]
        end = len(self._bytes) - size
        while (at := self._bytes.rfind(wanted, 0, end)) >= 0:
            if at % size == 0:
                return at // size + MATCH
            end = at + len(wanted) - 1
        return -1
