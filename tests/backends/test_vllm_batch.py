"""The draws of a batch are those of its rows."""

import pytest
import torch

from gptoss.backends.sampling import draw
from gptoss.backends.vllm.batch import draw_batch
from gptoss.engine.settings import Sampling


@pytest.mark.parametrize("vocabulary", [1, 127, 128, 5000])
@pytest.mark.parametrize("top_p", [1.0, 0.9, 0.3, 0.0])
def test_each_row_draws_what_it_would_draw_alone(vocabulary: int, top_p: float) -> None:
    random = torch.Generator().manual_seed(vocabulary)
    for scale in (0.1, 3.0, 30.0):
        logits = torch.randn(12, vocabulary, generator=random) * scale
        logits = (logits * 8).round() / 8  # bf16's equal logits are common
        samplings = [
            Sampling(seed=row, temperature=(0.3, 1.0, 2.0)[row % 3], top_p=top_p if row % 5 else 1.0)
            for row in range(12)
        ]
        expected = [draw(row, one, 90 + n) for n, (row, one) in enumerate(zip(logits, samplings, strict=True))]
        assert draw_batch(logits, samplings, range(90, 102)).tolist() == expected


def test_the_coldest_takes_the_likeliest() -> None:
    logits = torch.randn(3, 1000, generator=torch.Generator().manual_seed(0))
    samplings = [Sampling(seed=n, temperature=1e-35) for n in range(3)]
    assert draw_batch(logits, samplings, [0, 1, 2]).tolist() == logits.argmax(1).tolist()
