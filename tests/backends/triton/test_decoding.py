"""Every decoding kernel against float32, on a GPU where there is one and else in Triton's interpreter."""

import math

import pytest
import torch

from gptoss.backends import sampling
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.packing import places
from gptoss.engine.settings import Sampling
from tests.backends.triton.models import DEVICE, TILES, exact_layer, small_model


@pytest.mark.parametrize(("position", "layer"), [(0, 0), (5, 1), (127, 0), (128, 0), (150, 1), (300, 0), (700, 1)])
def test_layer(position: int, layer: int) -> None:
    model = small_model(seed=position)
    weights, config = model.weights, model.weights.config
    decoder = Decoder(weights, TILES, splits=4)
    cache = KVCache(config, DEVICE)
    cache.reserve(position + 1)
    torch.manual_seed(position)
    cache.data.normal_()
    before = cache.data[layer].clone()
    decoder.position.fill_(position)
    for buffer in (decoder.queries, decoder.mixed, decoder.scores, decoder.normed, decoder.inner, decoder.partial):
        buffer.fill_(math.nan)
    hidden = torch.randn(config.hidden_size, device=DEVICE)
    decoder.hidden.copy_(hidden)

    decoder.layer(weights.layers[layer], *cache.data[layer])

    exact = exact_layer(model, layer, hidden.unsqueeze(0), before, position, decoder.scores)
    near(cache.data[layer, :, :, position], exact.written[:, :, 0], 1e-2)
    near(decoder.mixed[0], exact.mixed.flatten(), 3e-2)
    near(decoder.scores[0], exact.scores[0], 5e-2)
    near(decoder.normed[0, places(config.hidden_size)] / weights.layers[layer].input_factor, exact.normed[0], 3e-2)
    near(decoder.hidden[0], exact.hidden[0], 3e-2)
    untouched = torch.arange(cache.capacity, device=DEVICE) != position
    assert torch.equal(cache.data[layer][:, :, untouched], before[:, :, untouched])
    assert not decoder.arrived.any()


@torch.inference_mode()
@pytest.mark.parametrize("position", [3, 126, 400])
def test_a_few_tokens_at_a_time_are_the_same_as_one_by_one(position: int) -> None:
    model = small_model(seed=6)
    config = model.weights.config
    few, one = Decoder(model.weights, TILES, tokens=3, splits=4), Decoder(model.weights, TILES, splits=4)
    caches = [KVCache(config, DEVICE) for _ in range(2)]
    for cache in caches:
        cache.reserve(position + 3)
    caches[0].data.normal_()
    caches[1].data.copy_(caches[0].data)
    request = Sampling(temperature=0.7, seed=5)
    tokens = [17, 2024, 900]
    few.enter(tokens, position)
    few.ask(request)
    few.forward(caches[0])
    few.draw()
    for n, token in enumerate(tokens):
        one.enter([token], position + n)
        one.ask(request)
        one.forward(caches[1])
        one.draw()
        assert torch.equal(few.logits[n], one.logits[0])
        assert few.token[n] == one.token[0]
        assert few.logprob[n] == one.logprob[0]
    assert torch.equal(caches[0].data, caches[1].data)
    assert few.position.item() == position
    assert not few.arrived.any()


def test_logits_and_drawing() -> None:
    model = small_model(seed=1)
    decoder = Decoder(model.weights, TILES)
    hidden = torch.randn(model.weights.config.hidden_size, device=DEVICE)
    for n, request in enumerate(
        [
            Sampling(temperature=0),
            Sampling(temperature=1, seed=7),
            Sampling(temperature=0.3, seed=-1),
            Sampling(temperature=3, seed=2**63),
        ]
    ):
        decoder.hidden.copy_(hidden)
        decoder.position.fill_(40 + n)
        decoder.logits.fill_(math.nan)
        decoder.ask(request)
        decoder.unembed()
        decoder.draw()
        normed = torch.nn.functional.rms_norm(
            hidden, hidden.shape, model.weights.norm, model.weights.config.rms_norm_eps
        )
        near(decoder.logits[0], model.weights.unembedding.float() @ normed, 1e-4)
        token = sampling.draw(decoder.logits[0], request, position=41 + n)
        assert decoder.token.item() == token
        assert decoder.position.item() == 41 + n
        assert decoder.logprob.item() == pytest.approx(float(decoder.logits[0].log_softmax(0)[token]), abs=1e-4)
        assert torch.equal(decoder.hidden[0], model.weights.embedding[token].float())


def test_draws_as_often_as_is_likely_and_as_the_other_backends_do() -> None:
    model = small_model(seed=2)
    decoder = Decoder(model.weights, TILES)
    logits = torch.randn(model.weights.config.vocab_size, device=DEVICE) * 2
    for position in range(60):
        decoder.logits.copy_(logits)
        decoder.position.fill_(position - 1)
        request = Sampling(temperature=1.5, seed=11)
        decoder.ask(request)
        decoder.draw()
        assert decoder.token.item() == sampling.draw(logits, request, position=position)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # numpy's, where it interprets
def test_logits_that_are_no_numbers_draw_nothing() -> None:
    decoder = Decoder(small_model(seed=3).weights, TILES)
    decoder.ask(Sampling(temperature=0))
    for broken in (math.nan, math.inf):
        decoder.logits.fill_(0.5)
        decoder.logits[0, 17] = broken
        decoder.draw()
        assert decoder.token.item() == -1


def near(found: torch.Tensor, exact: torch.Tensor, tolerance: float) -> None:
    found, exact = found.float(), exact.float()
    assert found.isfinite().all()
    assert float((found - exact).norm() / exact.norm()) < tolerance
