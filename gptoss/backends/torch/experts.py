"""The mixture of experts: each token goes through the few that its router chooses."""

from collections.abc import Callable, Sequence

import torch

from gptoss.backends.torch.linear import Linear


class Experts:
    """`up` gives gate and up values, the gates first: [rows, 2 * inner]; `down` leads back to the hidden size.

    `steady` maps a number of rows to the number to compute for it.
    """

    def __init__(
        self,
        router: Linear,
        up: Sequence[Linear],
        down: Sequence[Linear],
        per_token: int,
        alpha: float,
        limit: float,
        steady: Callable[[int], int],
    ) -> None:
        self.router = router
        self.up = up
        self.down = down
        self.per_token = per_token
        self.alpha = alpha
        self.limit = limit
        self.steady = steady

    def __call__(self, x: torch.Tensor, count: int) -> torch.Tensor:
        """x [rows, hidden], of which `count` rows are real and the others repeat the last one."""
        scores, chosen = self.router(x).topk(self.per_token)
        weights = scores.softmax(-1).T.unsqueeze(-1)
        results = self._one(x, chosen[0].tolist()) if count == 1 else self._many(x, chosen)
        return (results * weights).sum(0)

    def _one(self, x: torch.Tensor, chosen: list[int]) -> torch.Tensor:
        """All rows through the same experts: [per_token, rows, hidden]."""
        inner = self._swiglu(torch.stack([self.up[expert](x) for expert in chosen]))
        return torch.stack([self.down[expert](part) for expert, part in zip(chosen, inner, strict=True)])

    def _many(self, x: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Each expert over the rows that chose it: [per_token, rows, hidden]."""
        choices = chosen.flatten()  # choice n is row n // per_token's
        results = x.new_empty(len(choices), x.shape[1])
        counts = torch.bincount(choices, minlength=len(self.up)).tolist()
        for expert, mine in enumerate(choices.argsort(stable=True).split(counts)):
            if len(mine) == 0:
                continue
            extra = self.steady(len(mine)) - len(mine)
            rows = torch.cat((mine, mine[-1:].expand(extra))) // self.per_token
            inner = self._swiglu(self.up[expert](x[rows]))
            results[mine] = self.down[expert](inner)[: len(mine)]
        return results.view(len(x), self.per_token, -1).transpose(0, 1)

    def _swiglu(self, values: torch.Tensor) -> torch.Tensor:
        gate, up = values.chunk(2, -1)
        gate = gate.clamp(max=self.limit)
        up = up.clamp(-self.limit, self.limit)
        gate = gate * (gate * self.alpha).sigmoid_()
        return torch.addcmul(gate, gate, up)
