"""From the log probabilities that vLLM gives of a prompt to scores."""

import math
from collections.abc import Mapping

from gptoss.engine.ports import TokenScore

Given = Mapping[int, tuple[float, int]]
"""Of one position: token -> log probability and rank, for the token that stands there and for the `top` likeliest."""


def score_of(token: int, given: Given, top: int) -> TokenScore:
    """The score of the token that stands at a position.

    vLLM gives the token's rank whatever it is, but of the distribution only its head. The entropy is therefore a lower
    bound: what is left of the probability is counted as if it lay on tokens as likely as the last one given. It is
    exact where the head holds all of the probability.
    """
    logprob, rank = given[token]
    head = sorted(((value, -one) for one, (value, _) in given.items()), reverse=True)
    if rank <= top:
        # vLLM gives tokens that are equally likely the worst of their ranks; here the lower id goes first.
        rank = 1 + head.index((logprob, -token))
    best_logprob, best = head[0][0], -head[0][1]
    probabilities = [math.exp(value) for value, _ in head]
    rest = max(1.0 - math.fsum(probabilities), 0.0)
    least = head[min(top, len(head)) - 1][0]
    entropy = -math.fsum(p * value for p, (value, _) in zip(probabilities, head, strict=True) if p)
    return TokenScore(
        token=token,
        logprob=min(logprob, 0.0),
        rank=rank,
        entropy=max(entropy - rest * least, 0.0) if rest > 1e-6 else max(entropy, 0.0),
        best=best,
        best_logprob=min(best_logprob, 0.0),
    )
