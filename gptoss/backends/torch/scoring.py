"""Log probability, rank and entropy of given tokens."""

from collections.abc import Sequence

import torch

from gptoss.engine.ports import TokenScore


def scored(logits: torch.Tensor, targets: Sequence[int]) -> list[TokenScore]:
    """Score a token for each row of the float32 logits [rows, vocabulary].

    Of tokens that are equally likely the one with the lower id ranks first, as greedy sampling would take it.
    """
    index = torch.tensor(targets, device=logits.device).unsqueeze(1)
    logprobs = logits - logits.logsumexp(1, keepdim=True)
    chosen = logprobs.gather(1, index)
    ids = torch.arange(logits.shape[1], device=logits.device)
    ahead = (logprobs > chosen) | ((logprobs == chosen) & (ids < index))
    entropy = torch.special.entr(logprobs.exp()).sum(1)
    best = logprobs.argmax(1)
    best_logprobs = logprobs.gather(1, best.unsqueeze(1)).squeeze(1)
    columns = (chosen.squeeze(1).clamp(max=0), ahead.sum(1) + 1, entropy, best, best_logprobs.clamp(max=0))
    return [
        TokenScore(token=token, logprob=logprob, rank=rank, entropy=entropy, best=top, best_logprob=best_logprob)
        for token, logprob, rank, entropy, top, best_logprob in zip(
            targets, *(column.tolist() for column in columns), strict=True
        )
    ]
