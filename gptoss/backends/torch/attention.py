"""Attention over the cache: grouped queries, a sliding window on some layers, and a learned sink per head."""

import torch

TILE = 512
"""Keys summed at a time. The sum over all keys is that of the tiles' sums in their order, so that it does not depend on
how many keys there are beyond the ones a query sees: those have the weight 0 in whole tiles of their own."""

WINDOW_TILE = 128
_MOST_SCORES = 1 << 24


class View:
    """Which keys the rows of one computation see on the layers with one window.

    Rows are at the positions `start`, `start + 1`, ... of which only `count` are real; the others repeat the last one.
    `keys` is the range of the cache that is read, whole tiles from a multiple of the tile on; `bias` [1, rows * group,
    keys] is 0 where a row sees a key, -inf where not.
    """

    def __init__(self, start: int, count: int, rows: int, group: int, window: int | None, device: torch.device) -> None:
        self.tile = TILE if window is None else WINDOW_TILE
        first = 0 if window is None else max(0, start - window + 1) // self.tile * self.tile
        last = -(-(start + count) // self.tile) * self.tile
        self.keys = slice(first, last)
        key = torch.arange(first, last, device=device)
        position = torch.arange(start, start + rows, device=device).clamp_(max=start + count - 1).unsqueeze(1)
        hidden = key > position
        if window is not None:
            hidden |= key <= position - window
        bias = torch.zeros(rows, last - first, device=device).masked_fill_(hidden, float("-inf"))
        self.bias = bias.repeat_interleave(group, 0).unsqueeze(0)


def attend(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, sinks: torch.Tensor, view: View
) -> torch.Tensor:
    """Queries [rows, heads, head_dim] over a layer's cache [kv_heads, capacity, head_dim], with sinks [heads].

    Heads that share keys are neighbours. Returns float32 [rows, heads * head_dim].
    """
    rows, heads, head_dim = queries.shape
    kv_heads = keys.shape[0]
    group = heads // kv_heads
    keys, values = keys[:, view.keys].transpose(1, 2), values[:, view.keys]
    queries = queries.view(rows, kv_heads, group, head_dim).transpose(0, 1).reshape(kv_heads, rows * group, head_dim)
    sink = sinks.view(kv_heads, 1, group).expand(kv_heads, rows, group).reshape(kv_heads, rows * group, 1)
    at_once = max(4, _MOST_SCORES // (kv_heads * keys.shape[2]) // 4 * 4)
    mixed = [
        _attend(part, keys, values, sink_part, bias, view.tile)
        for part, sink_part, bias in zip(
            queries.to(keys.dtype).split(at_once, 1), sink.split(at_once, 1), view.bias.split(at_once, 1), strict=True
        )
    ]
    result = mixed[0] if len(mixed) == 1 else torch.cat(mixed, 1)
    return result.view(kv_heads, rows, group, head_dim).transpose(0, 1).reshape(rows, heads * head_dim)


def _attend(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, sink: torch.Tensor, bias: torch.Tensor, tile: int
) -> torch.Tensor:
    scale = queries.shape[-1] ** -0.5
    if queries.dtype == torch.float32:
        scores = torch.baddbmm(bias, queries, keys, alpha=scale)
    else:
        scores = torch.add(bias, torch.bmm(queries, keys), alpha=scale)
    weights = torch.cat((scores, sink), -1).softmax(-1).to(values.dtype)
    mixed = torch.bmm(weights[..., :tile], values[:, :tile])
    for begin in range(tile, values.shape[1], tile):
        mixed = torch.baddbmm(mixed, weights[..., begin : begin + tile], values[:, begin : begin + tile])
    return mixed.float()
