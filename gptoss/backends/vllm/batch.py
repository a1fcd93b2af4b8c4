"""The draws of a whole batch on a GPU, without the processor waiting for any of them.

`gptoss.backends.sampling.draw` looks at numbers on the way, which on a GPU means to wait until everything before them
is computed. This is the same arithmetic as one stream of operations; it gives the same tokens.
"""

from collections.abc import Sequence

import torch

from gptoss.backends.sampling import uniform
from gptoss.engine.settings import Sampling

_BLOCK = 128
_COLDEST = 1e-30


def draw_batch(logits: torch.Tensor, samplings: Sequence[Sampling], positions: Sequence[int]) -> torch.Tensor:
    """The tokens, int64 [rows], for float32 logits [rows, vocabulary]; temperatures are above 0."""

    def column(values: Sequence[float]) -> torch.Tensor:
        # From memory that is not pinned a copy would first wait for all that the GPU has to do.
        pinned = torch.tensor(values, dtype=torch.float64, pin_memory=logits.is_cuda)
        return pinned.to(logits.device, non_blocking=True).unsqueeze(1)

    numbers = column([uniform(one.seed, position) for one, position in zip(samplings, positions, strict=True)])
    temperatures = column([max(one.temperature, _COLDEST) for one in samplings]).float()
    weights = (logits - logits.amax(1, keepdim=True)).div_(temperatures).exp_()
    if any(one.top_p < 1 for one in samplings):
        weights = _nucleus(weights, column([one.top_p for one in samplings]))
    return _inverse_cdf(weights, numbers)


def _nucleus(weights: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    heaviest, order = weights.sort(dim=1, descending=True, stable=True)
    sums = heaviest.cumsum(1, dtype=torch.float64)
    kept = (sums - heaviest < top_p * weights.sum(1, keepdim=True, dtype=torch.float64)) | (top_p >= 1)
    kept[:, 0] = True
    return torch.zeros_like(weights).scatter_(1, order, heaviest * kept)


def _inverse_cdf(weights: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """The first id of each row at which the running sum of the weights exceeds its number times their total."""
    if beyond := -weights.shape[1] % _BLOCK:
        weights = torch.nn.functional.pad(weights, (0, beyond))
    blocks = weights.view(len(weights), -1, _BLOCK)
    sums = blocks.sum(2).cumsum(1, dtype=torch.float64)
    goals = numbers * sums[:, -1:]
    block = torch.searchsorted(sums, goals, right=True).clamp_(max=sums.shape[1] - 1)
    before = torch.where(block > 0, sums.gather(1, (block - 1).clamp_(min=0)), 0.0)
    chosen = blocks.gather(1, block.unsqueeze(2).expand(-1, -1, _BLOCK)).squeeze(1).double()
    index = (chosen.cumsum(1) <= goals - before).sum(1)
    # Where a block's sum and its running sum differ in their last bits, its last token was meant.
    last = (torch.arange(_BLOCK, device=weights.device) * (chosen > 0)).amax(1)
    return block.squeeze(1) * _BLOCK + torch.where(index == _BLOCK, last, index)
