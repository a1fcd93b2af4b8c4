"""The softmax over a vocabulary of which most tokens are never seen."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from demo_model.model import Embeddings


class UnseenTokens:
    """Stands other tokens in for the rare ones, and samples them for the softmax.

    Rare tokens of a shape differ by their codes alone, so any of them will do: each step swaps them at random, and the
    model can learn none by heart. Tokens that are to be `kept` neither stand in nor are stood in for: those reserved
    for the check, and those whose spelling matters.
    """

    def __init__(self, shape: Tensor, seen: Tensor, kept: Tensor, generator: torch.Generator) -> None:
        rare = torch.ones(len(shape), dtype=torch.bool)
        rare[seen.cpu()] = False
        self._device = generator.device
        self._generator = generator
        self.rare = rare.to(self._device)
        self.ids = rare.nonzero().flatten().to(self._device)
        swappable = rare.clone()
        swappable[kept.cpu()] = False
        special = int(shape.max())
        self._groups = [
            (swappable & (shape.cpu() == group)).nonzero().flatten().to(self._device) for group in range(special)
        ]

    def swap(self) -> Tensor:
        """int64 [vocabulary]: the stand-in of each token, itself if it is often seen."""
        stand_in = torch.arange(len(self.rare), device=self._device)
        for group in self._groups:
            order = torch.randperm(len(group), device=self._device, generator=self._generator)
            stand_in[group] = group[order]
        return stand_in

    def draw(self, count: int) -> Tensor:
        """int64 [count] rare tokens."""
        chosen = torch.randint(len(self.ids), (count,), device=self._device, generator=self._generator)
        return self.ids[chosen]


def sampled_softmax(
    hidden: Tensor, targets: Tensor, context: Tensor, embeddings: Embeddings, unseen: UnseenTokens, draws: int
) -> Tensor:
    """Cross entropy, a scalar, of hidden [positions, hidden] and int64 targets [positions].

    The candidates are all tokens with a row of their own, the rare tokens in the batch (`context`, any shape), and
    `draws` others, which stand for all that are left: the logarithm of how many each stands for is added to its logit.
    """
    present = torch.unique(context[unseen.rare[context]])
    others = unseen.draw(draws)
    candidates = torch.cat((embeddings.seen, present, others))
    place = torch.full((len(unseen.rare),), -1, device=hidden.device)
    exact = len(embeddings.seen) + len(present)
    place[candidates[:exact]] = torch.arange(exact, device=hidden.device)
    logits = (hidden @ embeddings.unembedding(candidates, hidden.dtype).T).float()
    weight = torch.zeros(len(candidates), device=hidden.device)
    left = len(unseen.ids) - len(present)
    weight[exact:] = math.log(left / draws) if left else -math.inf
    weight[exact:].masked_fill_(place[others] >= 0, -math.inf)
    return F.cross_entropy(logits + weight, place[targets])
