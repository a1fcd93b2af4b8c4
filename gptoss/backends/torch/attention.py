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

    The tokens are at the positions `start` and the `count - 1` after it. `keys` is the range of the cache that is read:
    whole tiles, from a multiple of the tile on. A row is one query head of a token: `group` rows share each token's
    keys. `bias` [1, rows, keys] is 0 where a row sees a key, -inf where not; rows at the end repeat the last token.
    """

    def __init__(self, start: int, count: int, group: int, window: int | None, device: torch.device) -> None:
        self.tile = TILE if window is None else WINDOW_TILE
        first = 0 if window is None else max(0, start - window + 1) // self.tile * self.tile
        last = -(-(start + count) // self.tile) * self.tile
        self.keys = slice(first, last)
        self.tokens = count
        while self.tokens * group % _STEADY_ROWS:
            self.tokens += 1
        key = torch.arange(first, last, device=device)
        position = torch.arange(start, start + self.tokens, device=device).clamp_(max=start + count - 1).unsqueeze(1)
        hidden = key > position
        if window is not None:
            hidden |= key <= position - window
        bias = torch.zeros(self.tokens, last - first, device=device).masked_fill_(hidden, float("-inf"))
        self.bias = bias.repeat_interleave(group, 0).unsqueeze(0)


def attend(queries: torch.Tensor, cached: torch.Tensor, sinks: torch.Tensor, view: View) -> torch.Tensor:
    """Queries [tokens, heads, head_dim] over a layer of the cache, with sinks [heads].

    Heads that share keys are neighbours. Returns float32 [tokens, heads * head_dim].
    """
    count, heads, head_dim = queries.shape
    kv_heads, tokens = cached.shape[0] // 2, view.tokens
    seen = cached.narrow(1, view.keys.start, view.keys.stop - view.keys.start)
    keys, values = seen.narrow(0, 0, kv_heads).transpose(1, 2), seen.narrow(0, kv_heads, kv_heads)
    if tokens > count:
        queries = torch.cat((queries, queries[-1:].expand(tokens - count, -1, -1)))
    rows = tokens * heads // kv_heads
    if tokens == 1:
        return _attend(
            queries.view(kv_heads, rows, head_dim), keys, values, sinks.view(kv_heads, rows, 1), view.bias, view.tile
        ).view(1, -1)
    queries = queries.view(tokens, kv_heads, -1, head_dim).transpose(0, 1).reshape(kv_heads, rows, head_dim)
    sink = sinks.view(kv_heads, 1, -1).expand(-1, tokens, -1).reshape(kv_heads, rows, 1)
    at_once = max(1, _MOST_SCORES // (kv_heads * keys.shape[2] * _STEADY_ROWS)) * _STEADY_ROWS
    parts = [
        _attend(queries[:, part], keys, values, sink[:, part], view.bias[:, part], view.tile)
        for part in (slice(begin, begin + at_once) for begin in range(0, rows, at_once))
    ]
    mixed = torch.cat(parts, 1).view(kv_heads, tokens, -1, head_dim)
    return mixed.transpose(0, 1)[:count].reshape(count, -1)


def _attend(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, sink: torch.Tensor, bias: torch.Tensor, tile: int
) -> torch.Tensor:
    """Some rows [kv_heads, rows, head_dim] over keys [kv_heads, head_dim, keys], values [kv_heads, keys, head_dim]."""
    scale = queries.shape[-1] ** -0.5
    if keys.dtype == torch.float32:
        scores = torch.baddbmm(bias, queries, keys, alpha=scale)
    else:
        scores = torch.add(bias, torch.bmm(queries.to(keys.dtype), keys), alpha=scale)
    weights = torch.cat((scores, sink), -1).softmax(-1).to(values.dtype)
    mixed = torch.bmm(weights.narrow(2, 0, tile), values.narrow(1, 0, tile))
    for begin in range(tile, values.shape[1], tile):
        mixed.baddbmm_(weights.narrow(2, begin, tile), values.narrow(1, begin, tile))
    return mixed.float()
