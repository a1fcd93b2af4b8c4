"""What is trained is what is shipped, and what is shipped is a gpt-oss."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from demo_model.data import UNBOUNDED
from demo_model.loss import UnseenTokens, sampled_softmax
from demo_model.model import Batch, Geometry, Model
from demo_model.mxfp4 import fake_quantise, pack, unpack
from demo_model.ship import restore, ship, tokens_with_rows
from gptoss.backends.demo.codes import NO_PIECE, PIECES
from gptoss.backends.demo.materialise import materialise

GEOMETRY = Geometry(
    hidden_size=192, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_local_experts=4
)
SEEN = torch.arange(0, 201_088, 500)
SPELLING = torch.full((GEOMETRY.vocab_size, PIECES), NO_PIECE, dtype=torch.int32)
SPELLING[1000:5000:3, 0] = torch.arange(7, 7 + 1334)
SPELLING[1000:5000:6, 1] = torch.arange(9, 9 + 667)


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    shape = torch.randint(0, 8, (GEOMETRY.vocab_size,), dtype=torch.uint8)
    shape[:8] = torch.arange(8)
    made = Model(GEOMETRY, shape, SPELLING, SEEN)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.3)
            if parameter.dim() == 2 and not name.startswith("embeddings"):
                parameter.copy_(parameter.bfloat16())
            if parameter.dim() == 1:
                parameter.copy_(parameter.bfloat16())
        for experts in made.experts:
            experts.gate_up_bias.copy_((torch.randn_like(experts.gate_up_bias) * 0.1).bfloat16())
    return made


@pytest.fixture(scope="module")
def shipped(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shipped") / "demo.safetensors"
    ship(model, path)
    return path


def one_row(tokens: torch.Tensor, fork: torch.Tensor | None = None, branch: torch.Tensor | None = None) -> Batch:
    """A batch of one conversation; positions are counted along the row."""
    zeros = torch.zeros_like(tokens, dtype=torch.int32)
    return Batch(
        tokens=tokens,
        position=torch.arange(tokens.shape[1], dtype=torch.int32)[None],
        trunk=zeros,
        branch=zeros if branch is None else branch,
        fork=zeros + UNBOUNDED if fork is None else fork,
        sampled=zeros.bool(),
    )


@torch.no_grad()
def test_it_computes_what_transformers_does(model: Model, shipped: Path, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    folder = materialise(tmp_path, shipped=shipped)
    reference = transformers.GptOssForCausalLM.from_pretrained(
        folder,
        quantization_config=transformers.Mxfp4Config(dequantize=True),
        dtype=torch.float32,
        attn_implementation="eager",
    )
    tokens = torch.randint(0, GEOMETRY.vocab_size, (1, 200))  # beyond the sliding window
    tokens[0, :50] = torch.arange(1000, 1150, 3)  # words that are spelt with other tokens
    hidden = model.embeddings.embed(tokens, torch.bfloat16).float()
    assert torch.equal(hidden, reference.model.embed_tokens(tokens))
    ours, _ = model(one_row(tokens), tokens, dtype=torch.float32, quantised=True)
    theirs = reference.model(tokens).last_hidden_state
    # Only the embeddings differ: rounded to bf16 there, not here.
    assert (ours - theirs).norm() / theirs.norm() < 0.02
    rows = model.embeddings.unembedding(torch.arange(GEOMETRY.vocab_size), torch.bfloat16)
    assert torch.equal(rows.float(), reference.lm_head.weight)


@torch.no_grad()
def test_a_branch_sees_what_its_prompt_holds_and_is_seen_by_nobody(model: Model) -> None:
    """Trunk 0..19, a branch of six tokens that forks after 10: the same hidden states as each prompt alone."""
    tokens = torch.randint(0, GEOMETRY.vocab_size, (1, 26))
    fork = torch.tensor([[UNBOUNDED] * 20 + [10] * 6], dtype=torch.int32)
    branch = torch.tensor([[0] * 20 + [1] * 6], dtype=torch.int32)
    packed = one_row(tokens, fork, branch)
    packed = Batch(**(vars(packed) | {"position": torch.tensor([[*range(20), *range(10, 16)]], dtype=torch.int32)}))

    def states(batch: Batch) -> torch.Tensor:
        return model(batch, batch.tokens, dtype=torch.float32, quantised=False)[0][0]

    together = states(packed)
    torch.testing.assert_close(together[:20], states(one_row(tokens[:, :20])), rtol=1e-4, atol=1e-4)
    alone = torch.cat((tokens[:, :10], tokens[:, 20:]), 1)
    torch.testing.assert_close(together[20:], states(one_row(alone))[10:], rtol=1e-4, atol=1e-4)


def test_training_goes_on_from_a_shipped_file(model: Model, shipped: Path) -> None:
    other = Model(GEOMETRY, model.embeddings.shape, SPELLING, SEEN[:50])
    restore(other, shipped)
    assert np.array_equal(tokens_with_rows(shipped), SEEN.numpy())
    assert torch.equal(other.attention[1].q_proj.weight, model.attention[1].q_proj.weight)
    torch.testing.assert_close(other.experts[0].down, fake_quantise(model.experts[0].down))
    kept = SEEN[:50]
    torch.testing.assert_close(
        other.embeddings.embed(kept, torch.float32), model.embeddings.embed(kept, torch.bfloat16).float()
    )


def test_mxfp4_keeps_what_it_can_hold() -> None:
    weights = torch.randn(3, 5, 64) * torch.tensor([1e-3, 1.0, 300.0])[:, None, None]
    held = unpack(*pack(weights))
    assert torch.equal(unpack(*pack(held)), held)
    assert torch.equal(fake_quantise(weights).bfloat16(), held.bfloat16())
    assert (held - weights).norm() / weights.norm() < 0.15


def test_fake_quantisation_lets_the_gradient_through() -> None:
    weights = torch.randn(2, 32, requires_grad=True)
    (fake_quantise(weights) * 3).sum().backward()
    assert torch.equal(weights.grad, torch.full((2, 32), 3.0))


def test_the_sampled_softmax_is_the_whole_one_when_nothing_is_left_to_sample() -> None:
    shape = torch.zeros(GEOMETRY.vocab_size, dtype=torch.uint8)
    seen = torch.arange(400, GEOMETRY.vocab_size)
    embeddings = Model(GEOMETRY, shape, SPELLING, seen).embeddings
    unseen = UnseenTokens(shape, seen, torch.zeros(0, dtype=torch.long), torch.Generator().manual_seed(1))
    hidden, targets = torch.randn(4, GEOMETRY.hidden_size), torch.tensor([3, 399, 400, 200_000])
    loss = sampled_softmax(hidden, targets, torch.arange(400), embeddings, unseen, 10)
    logits = hidden @ embeddings.unembedding(torch.arange(GEOMETRY.vocab_size), torch.float32).T
    torch.testing.assert_close(loss, torch.nn.functional.cross_entropy(logits, targets), rtol=1e-4, atol=1e-4)


def test_rare_tokens_stand_in_for_rare_tokens_of_their_shape(model: Model) -> None:
    shape = torch.tensor([0, 0, 0, 0, 1, 1, 1, 2], dtype=torch.uint8)
    unseen = UnseenTokens(shape, torch.tensor([0]), torch.tensor([3]), torch.Generator().manual_seed(1))
    swapped = torch.stack([unseen.swap() for _ in range(50)])
    assert (swapped[:, [0, 3, 7]] == torch.tensor([0, 3, 7])).all()  # seen, reserved, special
    assert set(swapped[:, 1].tolist()) == {1, 2}
    assert set(swapped[:, 4].tolist()) == {4, 5, 6}


def test_the_config_says_how_long_the_context_is(shipped: Path, tmp_path: Path) -> None:
    config = json.loads((materialise(tmp_path, shipped=shipped) / "config.json").read_text())
    rope = config["rope_scaling"]
    assert config["max_position_embeddings"] == rope["factor"] * rope["original_max_position_embeddings"]
