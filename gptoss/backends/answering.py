"""What every generator of ours that keeps one sequence does with the requests it gets."""

from collections.abc import Sequence

from gptoss.engine.errors import ContextFull, GenerationFailed


class OneAnswer:
    """One answer at a time: beginning another ends the one before. `vocabulary` and `max_context` are in tokens."""

    def __init__(self, vocabulary: int, max_context: int) -> None:
        self.max_context = max_context
        self._vocabulary = vocabulary
        self._answer = 0

    def _checked(self, ids: Sequence[int]) -> list[int]:
        """ContextFull or GenerationFailed if the model cannot take them."""
        if not ids:
            raise GenerationFailed("a prompt needs at least one token")
        if len(ids) > self.max_context:
            raise ContextFull(f"the prompt has {len(ids)} tokens and this model takes {self.max_context}")
        if min(ids) < 0 or max(ids) >= self._vocabulary:
            raise GenerationFailed(
                f"the prompt holds token ids beyond the model's vocabulary of {self._vocabulary}: "
                "the checkpoint is not one for the o200k_harmony vocabulary"
            )
        return list(ids)

    def _begin(self) -> int:
        self._answer += 1
        return self._answer

    def _still(self, answer: int) -> None:
        if self._answer != answer:
            raise GenerationFailed("this answer ended because another one was begun on the same generator")
