"""Matrix products: exact, and steady under padding."""

import pytest
import torch

from gptoss.backends.torch.linear import DenseLinear, HalfLinear, SmallHalfLinear, linear
from gptoss.backends.torch.rows import padding, steady_rows
from gptoss.backends.torch.threads import threads_for

CPU = torch.device("cpu")


def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("out", "inner"), [(8, 64), (300, 200), (1000, 333)])
def test_products_are_exact(out: int, inner: int, dtype: torch.dtype) -> None:
    weight, bias, x = random(out, inner, dtype=dtype), random(out, dtype=dtype), random(5, inner)
    expected = x.double() @ weight.double().T + bias.double()
    noise = 1e-5 if dtype == torch.float32 or HalfLinear.is_available() else 0.1
    torch.testing.assert_close(linear(weight, bias)(x).double(), expected, atol=noise * inner**0.5, rtol=noise)


@pytest.mark.parametrize("scale", [1e-6, 0.0, 1e6])
def test_weights_beyond_the_range_of_float16_are_not_packed(scale: float) -> None:
    weight = random(300, 200, dtype=torch.bfloat16) * scale
    product = linear(weight, None)
    assert isinstance(product, DenseLinear)
    x = random(2, 200)
    torch.testing.assert_close(product(x), x @ weight.float().T, atol=scale * 1e-3, rtol=0.05)


@pytest.mark.skipif(not SmallHalfLinear.is_available(), reason="this PyTorch has no such operator")
def test_both_packed_products_give_the_same_bits() -> None:
    weight, bias, x = random(300, 200, dtype=torch.bfloat16), random(300), random(9, 200)
    for parameter in (bias, None):
        assert torch.equal(SmallHalfLinear(weight, parameter)(x), HalfLinear(weight, parameter)(x))
    assert isinstance(linear(weight, bias), SmallHalfLinear)
    assert isinstance(linear(random(3000, 1000, dtype=torch.bfloat16), None), HalfLinear)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("out", "inner"), [(8, 64), (32, 2880), (700, 192), (500, 1100), (6000, 64)])
def test_padded_rows_do_not_depend_on_their_number(out: int, inner: int, dtype: torch.dtype) -> None:
    product, pad = linear(random(out, inner, dtype=dtype), random(out, dtype=dtype)), padding(CPU, dtype)
    x = random(130, inner)
    whole = product(pad(x))[:130]
    for count in (*range(1, 34), 60, 97, 128):
        assert torch.equal(product(pad(x[:count]))[:count], whole[:count])
        assert torch.equal(product(pad(x[-count:]))[:count], whole[-count:])


def test_weights_beyond_the_range_of_float16_are_steady_too() -> None:
    product, pad = linear(random(500, 1100, dtype=torch.bfloat16) * 1e6, None), padding(CPU, torch.bfloat16)
    x = random(130, 1100)
    whole = product(pad(x))[:130]
    for count in (1, 2, 15, 40, 97):
        assert torch.equal(product(pad(x[:count]))[:count], whole[:count])


def test_padding_is_small() -> None:
    assert all(count <= steady_rows(count, torch.bfloat16) <= count + 23 for count in range(1, 260))


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads_for(1000):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with threads_for(1 << 30):
            assert torch.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError), threads_for(1):
            1 / 0  # noqa: B018
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_results_do_not_depend_on_the_threads() -> None:
    product, x = linear(random(5000, 300, dtype=torch.bfloat16), None), random(24, 300)
    with threads_for(1):
        alone = product(x)
    assert torch.equal(product(x), alone)
