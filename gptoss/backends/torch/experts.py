"""The mixture of experts: each token goes through the few that its router chooses."""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from gptoss.backends.torch.linear import Linear
from gptoss.backends.torch.rows import Pad


class Experts(NamedTuple):
    """`up` gives gate and up values, the gates first: [rows, 2 * inner]; `down` leads back to the hidden size."""

    router: Linear
    up: Sequence[Linear]
    down: Sequence[Linear]
    per_token: int
    alpha: float
    limit: float
    pad: Pad

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """[rows, hidden] -> [rows, hidden]."""
        count = len(x)
        padded = self.pad(x)
        scores, chosen = self.router(padded)[:count].topk(self.per_token)
        weights = scores.softmax(-1).T.unsqueeze(-1)
        results = self._one(padded, chosen[0].tolist()) if count == 1 else self._many(x, chosen)
        return (results * weights).sum(0)[:count]

    def _one(self, padded: torch.Tensor, chosen: list[int]) -> torch.Tensor:
        """A single token, padded, through its experts: [per_token, padded rows, hidden]."""
        inner = self._swiglu(torch.stack([self.up[expert](padded) for expert in chosen]))
        return torch.stack([self.down[expert](part) for expert, part in zip(chosen, inner.unbind(), strict=True)])

    def _many(self, x: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Each expert over the tokens that chose it: [per_token, rows, hidden]."""
        choices = chosen.flatten()  # choice n is row n // per_token's
        results = x.new_empty(len(choices), x.shape[1])
        counts = torch.bincount(choices, minlength=len(self.up)).tolist()
        for expert, mine in enumerate(choices.argsort(stable=True).split(counts)):
            if len(mine):
                inner = self._swiglu(self.up[expert](self.pad(x[mine // self.per_token])))
                results[mine] = self.down[expert](inner)[: len(mine)]
        return results.view(len(x), self.per_token, -1).transpose(0, 1)

    def _swiglu(self, values: torch.Tensor) -> torch.Tensor:
        """[..., 2 * inner], which is used up, to [..., inner]."""
        inner = values.shape[-1] // 2
        gate = values.narrow(-1, 0, inner).clamp_(max=self.limit)
        up = values.narrow(-1, inner, inner).clamp_(-self.limit, self.limit)
        gate = (gate * self.alpha).sigmoid_().mul_(gate)
        return torch.addcmul(gate, gate, up)
