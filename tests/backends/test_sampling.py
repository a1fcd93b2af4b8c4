"""Tokens are drawn with the right probabilities, and the same ones every time and everywhere."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptoss.backends.sampling import _mix, check, draw, uniform
from gptoss.engine.errors import GenerationFailed, UsageError
from gptoss.engine.settings import Sampling

GREEDY = Sampling(temperature=0.0)
some_logits = st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=1500).map(torch.tensor)
numbers = st.integers(0, 2**64 - 1)

NUMBERS = {
    (0, 0): 0.8833108082136426,
    (0, 1): 0.43152799704850997,
    (1, 0): 0.7497482413580301,
    (7, 4095): 0.6178753932562001,
    (2**63 + 5, 131071): 0.19672584076156396,
    (-1, 10): 0.3298102465576014,
}
"""(seed, position) -> number"""


def may_be_drawn(token: int, logits: torch.Tensor, sampling: Sampling, position: int) -> bool:
    """The definition, in float64: the number falls into the token's share of the nucleus, give or take rounding."""
    weights = ((logits.double() - logits.double().max()) / sampling.temperature).exp()
    weights /= weights.sum()
    order = weights.argsort(descending=True, stable=True)
    before = weights[order].cumsum(0) - weights[order]
    nucleus = torch.zeros_like(weights)
    kept = order[(before < sampling.top_p) | (before == 0)]
    nucleus[kept] = weights[kept] / weights[kept].sum()
    share_begins = float(nucleus[:token].sum())
    number = uniform(sampling.seed, position)
    return nucleus[token] > 0 and share_begins - 1e-5 <= number <= share_begins + float(nucleus[token]) + 1e-5


def test_the_random_numbers_are_those_of_every_release() -> None:
    """A log of years ago continues with the token that it would have got then: these numbers never change."""
    assert _mix(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF  # the first number of SplitMix64 with the seed 0
    assert [uniform(seed, position) for seed, position in NUMBERS] == list(NUMBERS.values())


@given(numbers, st.integers(0, 2**20))
def test_a_random_number_lies_below_one_and_forgets_the_seeds_excess(seed: int, position: int) -> None:
    assert 0 <= uniform(seed, position) < 1
    assert uniform(seed, position) == uniform(seed - 2**64, position)


def test_random_numbers_are_spread_evenly_over_positions_and_seeds() -> None:
    for numbers in (
        [uniform(3, position) for position in range(10_000)],
        [uniform(seed, 77) for seed in range(10_000)],
        [uniform(5, position) - uniform(5, position + 1) for position in range(0, 20_000, 2)],
    ):
        bins = torch.tensor(numbers).remainder(1).histc(20, 0, 1)
        assert ((bins - 500) ** 2 / 500).sum() < 50  # chi-square with 19 degrees: above it once in 7,000


def test_temperature_0_takes_the_likeliest_and_of_equals_the_lowest_id() -> None:
    logits = torch.randn(3000)
    logits[[2000, 700, 1999]] = 9.0
    assert draw(logits, GREEDY, 0) == 700
    assert draw(logits, Sampling(temperature=1e-300), 0) in (700, 1999, 2000)
    assert draw(torch.tensor([-5.0, -4.0, -4.0]), GREEDY, 0) == 1


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (0.7, 1.0), (1.3, 0.8), (1.0, 0.5)])
def test_frequencies_are_the_probabilities(temperature: float, top_p: float) -> None:
    logits = torch.tensor([1.0, 0.0, 2.0, -1.0, 1.5, -30.0])
    weights = (logits / temperature).softmax(0)
    order = weights.argsort(descending=True)
    before = weights[order].cumsum(0) - weights[order]
    weights[order[before >= top_p]] = 0
    expected = weights / weights.sum()
    draws = 6_000
    sampling = Sampling(temperature=temperature, top_p=top_p, seed=11)
    counts = torch.bincount(torch.tensor([draw(logits, sampling, p) for p in range(draws)]), minlength=6)
    assert counts[expected == 0].sum() == 0
    likely = expected > 1e-6
    assert ((counts - draws * expected)[likely] ** 2 / (draws * expected)[likely]).sum() < 25


@given(some_logits, st.sampled_from([0.3, 1.0, 2.0]), st.floats(0, 1), numbers, st.integers(0, 10**6))
def test_a_draw_is_the_definition(
    logits: torch.Tensor, temperature: float, top_p: float, seed: int, position: int
) -> None:
    logits = logits.round(decimals=3)  # logits that differ by less than a weight can show are one to a draw
    sampling = Sampling(temperature=temperature, top_p=top_p, seed=seed)
    token = draw(logits, sampling, position)
    # A token at the very edge of the nucleus may be in or out.
    edges = (Sampling(temperature=temperature, top_p=top_p + off, seed=seed) for off in (0, -1e-5, 1e-5))
    assert any(may_be_drawn(token, logits, edge, position) for edge in edges)


@given(some_logits, numbers, st.integers(0, 10**6))
def test_a_draw_is_repeatable_and_always_a_token_that_can_be(logits: torch.Tensor, seed: int, position: int) -> None:
    logits[1::2] = -math.inf
    sampling = Sampling(seed=seed, top_p=0.9)
    drawn = draw(logits, sampling, position)
    assert drawn == draw(logits.clone(), sampling, position)
    assert drawn % 2 == 0


def test_noise_in_the_last_bits_rarely_changes_a_token() -> None:
    generator = torch.Generator().manual_seed(0)
    changed = 0
    for position in range(300):
        logits = 4 * torch.randn(5000, generator=generator)
        noisy = logits + 1e-6 * torch.randn(5000, generator=generator)
        changed += draw(logits, Sampling(seed=1), position) != draw(noisy, Sampling(seed=1), position)
    assert changed <= 1


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_logits_that_are_no_numbers_are_an_error(bad: float) -> None:
    logits = torch.zeros(10)
    logits[3] = bad
    with pytest.raises(GenerationFailed, match="no usable numbers"):
        draw(logits, Sampling(), 0)


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=-1.0),
        Sampling(temperature=math.nan),
        Sampling(temperature=math.inf),
        Sampling(top_p=1.5),
        Sampling(top_p=math.nan),
        Sampling(max_tokens=-1),
    ],
)
def test_parameters_that_mean_nothing_are_refused(sampling: Sampling) -> None:
    with pytest.raises(UsageError, match="must"):
        check(sampling)
