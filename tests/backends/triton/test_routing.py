"""The choice of experts and the order of the choices against PyTorch's, into memory that held something else."""

import pytest
import torch
import triton

from gptoss.backends.triton.kernels.routing import route, sort_choices, spread
from tests.backends.triton.models import DEVICE


@pytest.mark.parametrize(("tokens", "width", "experts", "per_token"), [(1, 96, 5, 3), (37, 160, 32, 4), (20, 64, 7, 1)])
def test_route(tokens: int, width: int, experts: int, per_token: int) -> None:
    normed = torch.randn(tokens, width, device=DEVICE).bfloat16()
    router = torch.randn(experts, width, device=DEVICE).bfloat16()
    bias = torch.randn(experts, device=DEVICE).bfloat16()
    chosen = torch.full((tokens + 1, per_token), -7, dtype=torch.int32, device=DEVICE)
    weights = torch.full((tokens + 1, per_token), -7.0, device=DEVICE)

    route[(triton.cdiv(tokens, 16),)](
        normed, router, bias, chosen, weights, tokens,
        WIDTH=width, EXPERTS=experts, EXPERTS_BLOCK=max(triton.next_power_of_2(experts), 16), PER_TOKEN=per_token,
        PER_TOKEN_BLOCK=triton.next_power_of_2(per_token), TOKENS=16, BLOCK=64,
    )  # fmt: skip

    best, expected = (normed.double() @ router.double().T + bias.double()).topk(per_token)
    assert torch.equal(chosen[:-1].long(), expected)
    assert torch.allclose(weights[:-1].double(), best.softmax(-1), atol=1e-5)
    assert (chosen[-1] == -7).all()
    assert (weights[-1] == -7).all()


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # numpy's, where it interprets
def test_scores_that_are_no_numbers_choose_experts_that_exist() -> None:
    normed = torch.full((3, 64), torch.nan, device=DEVICE).bfloat16()
    router, bias = torch.randn(5, 64, device=DEVICE).bfloat16(), torch.zeros(5, device=DEVICE).bfloat16()
    chosen, weights = torch.empty(3, 2, dtype=torch.int32, device=DEVICE), torch.empty(3, 2, device=DEVICE)
    route[(1,)](
        normed, router, bias, chosen, weights, 3,
        WIDTH=64, EXPERTS=5, EXPERTS_BLOCK=16, PER_TOKEN=2, PER_TOKEN_BLOCK=2, TOKENS=16, BLOCK=64,
    )  # fmt: skip
    assert ((chosen >= 0) & (chosen < 5)).all()


@pytest.mark.parametrize(("tokens", "experts"), [(1, 3), (50, 5), (333, 32)])
def test_order_of_the_choices(tokens: int, experts: int) -> None:
    per_token, width = 3, 40
    chosen = torch.rand(tokens, experts, device=DEVICE).topk(per_token).indices.int()
    place = torch.full_like(chosen, -7)
    offsets = torch.full((experts + 1,), -7, dtype=torch.int32, device=DEVICE)
    sort_choices[(experts,)](chosen, place, offsets, chosen.numel(), EXPERTS=experts, BLOCK=64)

    ordered, order = chosen.flatten().sort(stable=True)
    assert torch.equal(place.flatten()[order].long(), torch.arange(chosen.numel(), device=DEVICE))
    assert offsets.tolist() == [int((ordered < expert).sum()) for expert in range(experts + 1)]

    inputs = torch.randn(tokens, width, device=DEVICE).half()
    found = torch.full((chosen.numel(), width), torch.nan, device=DEVICE).half()
    spread[(tokens,)](inputs, place, found, WIDTH=width, PER_TOKEN=per_token, BLOCK=64)
    assert torch.equal(found, inputs[order // per_token])
