"""Scores from the head of a distribution."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.backends.vllm.scores import score_of

weights = st.lists(st.floats(0.01, 100), min_size=2, max_size=40)


@given(weights, st.integers(1, 25), st.data())
def test_of_the_whole_distribution_they_are_exact_and_of_its_head_the_entropy_is_a_lower_bound(
    weights: list[float], top: int, data: st.DataObject
) -> None:
    total = math.fsum(weights)
    logprobs = {token: math.log(weight / total) for token, weight in enumerate(weights)}
    token = data.draw(st.sampled_from(sorted(logprobs)))
    ordered = sorted(logprobs, key=lambda one: (-logprobs[one], one))
    # As vLLM counts: of equals each has the worst rank.
    ranks = {one: sum(value >= logprobs[one] for value in logprobs.values()) for one in logprobs}
    head = {one: (logprobs[one], ranks[one]) for one in [*ordered[:top], token]}
    score = score_of(token, head, top)
    entropy = -math.fsum(math.exp(value) * value for value in logprobs.values())
    assert score.logprob == pytest.approx(logprobs[token])
    assert (score.best, score.best_logprob) == (ordered[0], pytest.approx(logprobs[ordered[0]]))
    if ranks[token] <= top:
        assert score.rank == ordered.index(token) + 1
    assert -score.best_logprob - 1e-3 <= score.entropy <= entropy + 1e-6
    if top >= len(weights):
        assert score.entropy == pytest.approx(entropy, abs=1e-5)
