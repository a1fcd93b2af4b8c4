"""What a model thinks of tokens that were sampled before, by itself or by another.

Each recorded generation is teacher-forced: the model reads its prompt and its tokens, and says how likely it finds
each. Two backends that compute the same model agree on that up to the noise of their arithmetic, whatever they would
sample.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from gptoss.engine.generations import RecordedGeneration
from gptoss.engine.ports import Cancelled, TokenGenerator, TokenScore


class ScoredGeneration(Struct, frozen=True, kw_only=True):
    """A generation and the score of each of its tokens."""

    generation: RecordedGeneration
    scores: tuple[TokenScore, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """How two lists of log probabilities of the same tokens differ.

    `mean` and `largest` are of the absolute differences, `at` is the index of the largest; `disagreements` are the
    indices of tokens at which the two would have preferred different ones.
    """

    tokens: int
    mean: float
    largest: float
    at: int
    disagreements: tuple[int, ...] = ()


def score(
    generations: Iterable[RecordedGeneration], generator: TokenGenerator, cancelled: Cancelled = lambda: False
) -> Iterator[ScoredGeneration]:
    """Score each generation that has tokens. Lazy."""
    for generation in generations:
        if cancelled():
            return
        if generation.ids:
            ids = [*generation.prompt.ids, *generation.ids]
            scores = generator.score(ids, len(generation.prompt.ids))
            yield ScoredGeneration(generation=generation, scores=tuple(scores))


def compare(one: Sequence[float], other: Sequence[float], disagreements: Sequence[int] = ()) -> Comparison | None:
    """Compare log probabilities token by token; None when there are none."""
    if not one:
        return None
    differences = [abs(a - b) for a, b in zip(one, other, strict=True)]
    largest = max(differences)
    return Comparison(
        tokens=len(differences),
        mean=sum(differences) / len(differences),
        largest=largest,
        at=differences.index(largest),
        disagreements=tuple(disagreements),
    )
