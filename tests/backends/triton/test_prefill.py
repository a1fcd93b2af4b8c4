"""Many tokens at once against float32 and against one at a time."""

import pytest
import torch

from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.graphs import Graphs
from gptoss.backends.triton.prefill import Prefill
from gptoss.backends.triton.prompts import Prompts
from gptoss.backends.triton.tiles import GroupedTiles
from tests.backends.triton.models import DEVICE, FLASH, GROUPED, TILES, exact_layer, small_model
from tests.backends.triton.test_decoding import near


@pytest.mark.parametrize(("start", "count", "groups"), [(0, 1, 2), (0, 37, 4), (100, 60, 2), (500, 9, 4)])
@torch.inference_mode()
def test_layers(start: int, count: int, groups: int) -> None:
    model = small_model(seed=start)
    weights, config = model.weights, model.weights.config
    cache = KVCache(config, DEVICE)
    cache.reserve(start + count)
    cache.data.normal_()
    cache.ids = [0] * start
    before = cache.data.clone()
    ids = torch.randint(config.vocab_size, (count,), device=DEVICE)

    prefill = Prefill(
        weights, GroupedTiles(*(tile._replace(groups=groups) for tile in GROUPED or GroupedTiles())), FLASH
    )
    prefill.start.fill_(start)
    hidden = prefill.forward(ids, cache)

    exact = weights.embedding[ids].float()
    for n in range(len(weights.layers)):
        layer = exact_layer(model, n, exact, before[n], start)
        mostly_near(cache.data[n, :, :, start : start + count].transpose(0, 2), layer.written.transpose(0, 2))
        exact = layer.hidden
    mostly_near(hidden, exact)
    outside = torch.ones(cache.capacity, dtype=torch.bool, device=DEVICE)
    outside[start : start + count] = False
    assert torch.equal(cache.data[:, :, :, outside], before[:, :, :, outside])


@torch.inference_mode()
def test_one_at_a_time_goes_on_from_many_at_once() -> None:
    model = small_model(seed=4)
    ids = torch.randint(model.weights.config.vocab_size, (24,), device=DEVICE)
    whole, parts = (KVCache(model.weights.config, DEVICE) for _ in range(2))
    prefill, decoder = Prefill(model.weights, GROUPED, FLASH), Decoder(model.weights, TILES, splits=4)
    whole.reserve(24)
    prefill.forward(ids, whole)
    parts.reserve(24)
    for part in ids[:22].split(9):
        prefill.start.fill_(len(parts.ids))
        prefill.forward(part, parts)
        parts.ids += part.tolist()
    for n in (22, 23):
        decoder.position.fill_(n)
        decoder.hidden.copy_(model.weights.embedding[ids[n]].float())
        decoder.layers(parts)
    mostly_near(parts.data[:, :, :, :24].movedim(3, 0), whole.data[:, :, :, :24].movedim(3, 0))
    near(parts.data[0, :, :, :24], whole.data[0, :, :, :24], 2e-2)


@pytest.mark.skipif(DEVICE.type == "cpu", reason="graphs need a CUDA GPU")
@torch.inference_mode()
def test_graphs_compute_the_same() -> None:
    model = small_model(seed=2)
    config = model.weights.config
    prefill = Prefill(model.weights, GROUPED, FLASH)
    recorded, launched = KVCache(config, DEVICE), KVCache(config, DEVICE)
    for cache in (recorded, launched):
        cache.reserve(3000)
    prompts = Prompts(prefill, Graphs(recorded))
    for count in (13, 100, 13, 9, 250, 300, 700, 300, 1000, 700):
        part = torch.randint(config.vocab_size, (count,)).tolist()
        prefill.start.fill_(len(launched.ids))
        prefill.fill(torch.tensor(part, device=DEVICE), launched)
        prompts.fill(part)
        for cache in (recorded, launched):
            cache.ids += part
    end = len(launched.ids)
    mostly_near(recorded.data[:, :, :, :end].movedim(3, 0), launched.data[:, :, :, :end].movedim(3, 0))


def mostly_near(found: torch.Tensor, exact: torch.Tensor) -> None:
    """By tokens, the first dimension: of two experts that are nearly equal either is right, so a few may differ."""
    found, exact = found.float().flatten(1), exact.float().flatten(1)
    assert found.isfinite().all()
    error = (found - exact).norm(dim=1) / exact.norm(dim=1)
    assert float(error.median()) < 4e-2
    assert float((error < 6e-2).float().mean()) >= 0.6
