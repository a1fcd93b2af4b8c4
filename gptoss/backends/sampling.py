"""Drawing a token: a function of the logits, the seed and the absolute position, and of nothing else.

There is one random number per position, from integer arithmetic that is the same on every machine. It is turned into a
token by walking the probabilities in the order of the ids: logits that differ in their last bits move the boundaries
between tokens by as little, so the same token comes out unless the number falls into such a sliver.
"""

import math

import torch

from gptoss.backends.parameters import check as check
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.settings import Sampling

_BLOCK = 128
_COLDEST = 1e-30
"""float32 knows no much smaller temperatures; this one leaves nothing but the largest logits."""

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def uniform(seed: int, position: int) -> float:
    """A number in [0, 1) of 53 random bits. Seeds that are equal modulo 2**64 are the same seed."""
    return (_mix(_mix(seed & _MASK) + (position + 1) * _GOLDEN & _MASK) >> 11) * 2.0**-53


def _mix(x: int) -> int:
    """SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014): every bit of x moves every bit of the result."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & _MASK
    return x ^ x >> 31


def draw(logits: torch.Tensor, sampling: Sampling, position: int) -> int:
    """The token at `position`, from float32 logits [vocabulary].

    Of equal logits the lowest id counts as the larger. GenerationFailed if the logits are not numbers.
    """
    best = float(logits.max())
    if not math.isfinite(best):
        raise GenerationFailed("the model computed no usable numbers: the checkpoint may be damaged")
    if sampling.temperature == 0:
        return _likeliest(logits)
    weights = (logits - best).div_(max(sampling.temperature, _COLDEST)).exp_()
    if sampling.top_p < 1:
        weights = _nucleus(weights, sampling.top_p)
    return _inverse_cdf(weights, uniform(sampling.seed, position))


def _likeliest(logits: torch.Tensor) -> int:
    """The lowest id of the largest logit; by blocks, since finding where a maximum is takes ten times finding it."""
    blocks = _blocks(logits, -math.inf)
    block = int(blocks.amax(1).argmax())
    return block * _BLOCK + int(blocks[block].argmax())


def _nucleus(weights: torch.Tensor, top_p: float) -> torch.Tensor:
    """The weights with all but the heaviest at 0: the smallest set that holds `top_p` of their sum, one at least."""
    total = weights.sum(dtype=torch.float64)
    # All tokens this light together hold less than what may be left out, so only the others need sorting.
    candidates = (weights >= (1 - top_p) * total / len(weights)).nonzero().squeeze(1)
    heaviest, order = weights[candidates].sort(descending=True, stable=True)
    sums = heaviest.cumsum(0, dtype=torch.float64)
    kept = candidates[order[: int((sums < top_p * total).sum()) + 1]]
    return torch.zeros_like(weights).index_copy_(0, kept, weights[kept])


def _inverse_cdf(weights: torch.Tensor, number: float) -> int:
    """The first id at which the running sum of the weights exceeds `number` times their total."""
    blocks = _blocks(weights, 0.0)
    sums = blocks.sum(1).cumsum(0, dtype=torch.float64)
    goal = number * sums[-1]
    block = int(torch.searchsorted(sums, goal, right=True).clamp(max=len(sums) - 1))
    rest = goal - (sums[block - 1] if block else 0.0)
    within = blocks[block].double().cumsum(0)
    index = int((within <= rest).sum())
    if index == _BLOCK:  # the block's sum and its running sum differ in their last bits: its last token was meant
        index = int(blocks[block].nonzero()[-1])
    return block * _BLOCK + index


def _blocks(values: torch.Tensor, fill: float) -> torch.Tensor:
    """[blocks, _BLOCK]: a view where the length allows it."""
    missing = -len(values) % _BLOCK
    return (torch.nn.functional.pad(values, (0, missing), value=fill) if missing else values).view(-1, _BLOCK)
