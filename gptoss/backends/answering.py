"""What generators do with the requests they get, whatever computes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gptoss.engine.errors import ContextFull, GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk


def checked_ids(ids: Sequence[int], vocabulary: int, max_context: int) -> list[int]:
    """The ids, if a model of so many tokens takes them: at least one, and `max_context` at most.

    ContextFull or GenerationFailed if not.
    """
    if not ids:
        raise GenerationFailed("a prompt needs at least one token")
    if len(ids) > max_context:
        raise ContextFull(f"the prompt has {len(ids)} tokens and this model takes {max_context}")
    if min(ids) < 0 or max(ids) >= vocabulary:
        raise GenerationFailed(
            f"the prompt holds token ids beyond the model's vocabulary of {vocabulary}: "
            "the checkpoint is not one for the o200k_harmony vocabulary"
        )
    return list(ids)


class NothingKept:
    """A generator that computes nothing ahead and keeps nothing in files, see `gptoss.engine.ports.TokenGenerator`."""

    def prefill(self, ids: Sequence[int], cancelled: Cancelled) -> Iterator[TokenChunk]:
        """Nothing."""
        return iter(())

    def store(self, ids: Sequence[int], file: Path, most: int) -> int:
        """No file."""
        return 0

    def recall(self, ids: Sequence[int], file: Path) -> int:
        """Nothing."""
        return 0
