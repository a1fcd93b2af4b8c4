"""What a turn tells whoever watches it, and a replay its viewer."""

from msgspec import Struct

from gptoss.engine.events import StoredEvent
from gptoss.engine.parsing import MessageBegun, TextDelta


class Prefilled(Struct, frozen=True):
    """The model has computed `tokens` more tokens of a prompt of `total`, of which `cached` need no computing."""

    tokens: int
    total: int
    cached: int = 0


class Sampled(Struct, frozen=True):
    """The model has drawn these tokens; what they spell follows."""

    ids: tuple[int, ...]


Update = StoredEvent | MessageBegun | TextDelta | Prefilled | Sampled
"""Each event once it is in the log, and the text of the message that is being written.

TokensSampled are not among the events of a live turn: the text that they spell comes as it is sampled.
"""
