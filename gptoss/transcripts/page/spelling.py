"""What a page has been told of tokens: the texts of those that it knows, and the segments of prompts, by number."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from gptoss.engine.harmony import Harmony
from gptoss.engine.rendering import Segment
from gptoss.engine.tokens import FIRST_SPECIAL
from gptoss.transcripts.page.masking import Mask

Update = dict[str, Any]
"""See `gptoss.transcripts.page.feed`."""

Owner = Callable[[int], int]
"""The number of the branch that holds the event of a seq: equal seqs of different branches are different messages."""


class Spelling:
    """Makes the updates `words` and `segment` for whatever no update has told of yet."""

    def __init__(self, harmony: Harmony, mask: Mask) -> None:
        self._harmony = harmony
        self._mask = mask
        self._words: set[int] = set()
        self._segments: dict[tuple[object, ...], int] = {}

    def words(self, ids: Iterable[int]) -> Iterator[Update]:
        """The texts of tokens."""
        new = {token for token in ids if token >= 0} - self._words
        if new:
            self._words |= new
            yield {"u": "words", "words": {str(token): self._word(token) for token in sorted(new)}}

    def segments(self, segments: Sequence[Segment], owner: Owner) -> Iterator[Update]:
        """Parts of a prompt."""
        for segment in segments:
            key = _key(segment, owner)
            if key not in self._segments:
                self._segments[key] = len(self._segments)
                ids = self._mask.ids(segment.ids)
                yield from self.words(ids)
                yield {"u": "segment", "source": segment.source, "seq": segment.seq, "ids": ids}

    def numbers(self, segments: Sequence[Segment], owner: Owner) -> list[int]:
        """The numbers of segments that have been told of."""
        return [self._segments[_key(segment, owner)] for segment in segments]

    def _word(self, token: int) -> str | list[int]:
        if token >= FIRST_SPECIAL:
            return self._harmony.decode((token,))
        data = self._harmony.token_bytes(token)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return list(data)


def _key(segment: Segment, owner: Owner) -> tuple[object, ...]:
    # The settings decide the parts without a message; they are few.
    whose = segment.ids if segment.seq is None else (owner(segment.seq), segment.seq, len(segment.ids))
    return segment.source, whose
