"""Attention over the cache: grouped queries, a sliding window on some layers, and a learned sink per head."""

import torch

TILE = 512
"""Keys summed at a time. The sum over all keys is that of the tiles' sums in their order, so that it does not depend on
how many keys there are beyond the ones a query sees: those have the weight 0 in whole tiles of their own."""

WINDOW_TILE = 128

_STEADY_ROWS = 4
"""Products of a multiple of so many rows do not depend on their number."""

_MOST_SCORES = 1 << 24


class View:
    """Which keys the tokens of one computation see on the layers with one window.

    The tokens are at the positions `start` and the `count - 1` after it. `first` and `last` bound the keys that are
    read: whole tiles. Each token has `group` rows per head of keys, one for each query head that shares it. `tokens`
    is how many are computed, the last one repeated for steady rows; `step` divides it. `bias` [tokens, 1, keys] is 0
    where a token sees a key, -inf where not.
    """

    def __init__(self, start: int, count: int, group: int, window: int | None, device: torch.device) -> None:
        self.group = group
        self.step = next(step for step in range(1, _STEADY_ROWS + 1) if step * group % _STEADY_ROWS == 0)
        self.tokens = -(-count // self.step) * self.step
        self.tile = TILE if window is None else WINDOW_TILE
        self.first = 0 if window is None else max(0, start - window + 1) // self.tile * self.tile
        self.last = -(-(start + count) // self.tile) * self.tile
        key = torch.arange(self.first, self.last, device=device)
        position = torch.arange(start, start + self.tokens, device=device).clamp_(max=start + count - 1).unsqueeze(1)
        hidden = key > position
        if window is not None:
            hidden |= key <= position - window
        self.bias = torch.zeros(hidden.shape, device=device).masked_fill_(hidden, float("-inf")).unsqueeze(1)


def attend(queries: torch.Tensor, cached: torch.Tensor, sinks: torch.Tensor, view: View) -> torch.Tensor:
    """Queries [tokens, heads, head_dim] over a layer of the cache, with sinks [heads].

    Heads that share keys are neighbours. Returns float32 [tokens, heads * head_dim].
    """
    count, heads, head_dim = queries.shape
    kv_heads, keys = cached.shape[0] // 2, view.last - view.first
    seen = cached.narrow(1, view.first, keys)
    queries = queries * head_dim**-0.5
    if view.tokens > count:
        queries = torch.cat((queries, queries[-1:].expand(view.tokens - count, -1, -1)))
    queries = queries.view(view.tokens, kv_heads, view.group, head_dim).transpose(0, 1)
    sinks = sinks.view(kv_heads, 1, view.group, 1)
    at_once = max(1, _MOST_SCORES // (heads * keys * view.step)) * view.step
    parts = [
        _attend(queries.narrow(1, begin, size), seen, sinks, view.bias.narrow(0, begin, size), view.tile)
        for begin in range(0, view.tokens, at_once)
        for size in (min(at_once, view.tokens - begin),)
    ]
    mixed = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
    return mixed.transpose(0, 1)[:count].reshape(count, -1)


def _attend(
    queries: torch.Tensor, seen: torch.Tensor, sinks: torch.Tensor, bias: torch.Tensor, tile: int
) -> torch.Tensor:
    """Scaled queries [kv_heads, tokens, group, head_dim] over a part of the cache [2 * kv_heads, keys, head_dim]."""
    kv_heads, tokens, group, head_dim = queries.shape
    rows = tokens * group
    keys, values = seen.narrow(0, 0, kv_heads), seen.narrow(0, kv_heads, kv_heads)
    scores = torch.bmm(queries.reshape(kv_heads, rows, head_dim).to(keys.dtype), keys.transpose(1, 2)).float()
    scores = scores.view(kv_heads, tokens, group, -1).add_(bias)
    weights = torch.cat((scores, sinks.expand(-1, tokens, -1, -1)), -1).softmax(-1)
    weights = weights.view(kv_heads, rows, -1).to(values.dtype)
    mixed = torch.bmm(weights.narrow(2, 0, tile), values.narrow(1, 0, tile))
    for begin in range(tile, values.shape[1], tile):
        mixed.baddbmm_(weights.narrow(2, begin, tile), values.narrow(1, begin, tile))
    return mixed.float().view(kv_heads, tokens, group, head_dim)
