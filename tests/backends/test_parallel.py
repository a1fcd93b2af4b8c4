"""Many ranks, one model: they share it out, keep in step, and end together."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.config import ModelConfig
from gptoss.backends.demo.materialise import materialise
from gptoss.backends.layouts import dense_tensors, expert_tensors
from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.parallel.plan import plan, sizes
from gptoss.backends.parallel.shard import Shard
from gptoss.backends.parallel.world import world
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.backends.torch.native.kernels import VARIABLE, supported
from gptoss.engine.conversation import Conversation
from gptoss.engine.errors import BackendError, GenerationFailed, UsageError
from gptoss.engine.events import TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling, Settings
from gptoss.storage.memory import MemoryLog
from tests.backends.checkpoints import Geometry, random_weights, save_huggingface, save_original
from tests.backends.ranks import Together, together
from tests.contracts.token_generator import (
    GREEDY,
    NO_STOP,
    SEEDED,
    TokenGeneratorContract,
    ids_of,
    never,
    prefilled_of,
)

GEOMETRY = Geometry(heads=6, kv_heads=2, inner=160, factor=8.0)
"""Neither heads nor inner values can be shared out evenly among four."""

PUBLISHED = {
    "20b": Geometry(24, 2880, 2880, 64, 8, 64, 32, 4, 201_088),
    "120b": Geometry(36, 2880, 2880, 64, 8, 64, 128, 4, 201_088),
}


@pytest.fixture(scope="module", autouse=True)
def _kernels() -> Iterator[None]:
    """Not those that round inputs to bfloat16: sums in another order move what they compute by much more."""
    with pytest.MonkeyPatch.context() as patch:
        if supported()[0] == "avx512bf16" and VARIABLE not in os.environ:
            patch.setenv(VARIABLE, "avx512")
        yield


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_original(random_weights(GEOMETRY), tmp_path_factory.mktemp("ranks") / "tiny")


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materialise(tmp_path_factory.getbasetemp() / "cache")


@pytest.fixture(scope="module")
def alone(checkpoint: Path) -> TorchGenerator:
    return TorchGenerator(checkpoint, device="cpu")


@st.composite
def geometries(draw: st.DrawFn) -> ModelConfig:
    kv_heads = draw(st.integers(1, 9))
    made = Geometry(
        heads=kv_heads * draw(st.integers(1, 9)),
        kv_heads=kv_heads,
        inner=draw(st.integers(1, 700)),
        vocabulary=draw(st.integers(1, 500)),
    )
    return made.config()


@given(geometries())
def test_ranks_have_everything_once_and_nearly_the_same_amount(config: ModelConfig) -> None:
    assert 1 in sizes(config)
    for size in sizes(config):
        parts = [plan(config, rank, size) for rank in range(size)]
        wholes = {"heads": config.num_attention_heads, "inner": config.intermediate_size, "tokens": config.vocab_size}
        for name, whole in wholes.items():
            assert [n for part in parts for n in getattr(part, name)] == list(range(whole))
            assert all(len(getattr(part, name)) for part in parts)
        inner = [-(-len(part.inner) // 32) for part in parts]
        assert max(inner) - min(inner) <= 1
        group = config.num_attention_heads // config.num_key_value_heads
        for part in parts:
            assert {head // group for head in part.heads} == set(part.kv_heads)
            assert part.config.num_attention_heads % part.config.num_key_value_heads == 0
        assert sum(part.leads for part in parts) == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_models_can_be_shared_by_these(name: str) -> None:
    config = PUBLISHED[name].config()
    assert sizes(config) == [1, 2, 4, *range(8, 65, 8)]
    with pytest.raises(BackendError, match=r"3 ranks cannot share .* start 1, 2, 4, 8, 16, .* or 64"):
        plan(config, 0, 3)


@pytest.mark.parametrize("size", [2, 4, 6])
@pytest.mark.parametrize("layout", ["original", "packed", "unpacked"])
def test_shards_make_up_the_checkpoint(layout: str, size: int, tmp_path: Path) -> None:
    weights = random_weights(Geometry(heads=6, kv_heads=2, inner=192))
    if layout == "original":
        path = save_original(weights, tmp_path / "model")
    else:
        path = save_huggingface(weights, tmp_path / "model", packed=layout == "packed")
    checkpoint = Checkpoint(path)
    shards = [Shard(checkpoint, plan(checkpoint.config, rank, size)) for rank in range(size)]
    owners = shards[:: max(1, size // 2)]  # of the keys that several ranks keep, the first one's
    for name, shape in dense_tensors(checkpoint.config):
        parts, whole = [shard.tensor(name) for shard in shards], checkpoint.tensor(name)
        assert [tuple(part.shape) for part in parts] == [dict(dense_tensors(s.config))[name] for s in shards]
        if ".qkv." in name:
            queries = torch.cat([shard.parts(name)[0] for shard in shards])
            keys, values = (torch.cat([owner.parts(name)[n] for owner in owners]) for n in (1, 2))
            assert torch.equal(torch.cat((queries, keys, values)), whole)
        elif name.endswith(("out.bias", "mlp2_bias")):
            assert torch.equal(torch.stack(parts).sum(0), whole)
        elif name.endswith(("norm.scale", "gate.weight", "gate.bias")):
            assert all(torch.equal(part, whole) for part in parts)
        else:
            along = 1 if name.endswith(("out.weight", "mlp1_bias")) else 0
            assert torch.equal(torch.cat(parts, along), whole), (name, shape)
    for name, (experts, *_) in expert_tensors(checkpoint.config):
        for expert in range(experts):
            matrices = [_unpacked(shard.expert(name, expert)) for shard in shards]
            along = 0 if name.endswith("mlp1_weight") else 1
            assert torch.equal(torch.cat(matrices, along), _unpacked(checkpoint.expert(name, expert)))
            if checkpoint.packed:
                for shard, matrix in zip(shards, matrices, strict=True):
                    blocks, scales = shard.packed_experts(name)
                    assert torch.equal(Mxfp4Matrix(blocks[expert], scales[expert]).dequantise(), matrix)


def _unpacked(matrix: torch.Tensor | Mxfp4Matrix) -> torch.Tensor:
    return matrix.dequantise() if isinstance(matrix, Mxfp4Matrix) else matrix


def test_a_process_on_its_own_is_no_rank() -> None:
    assert world({}) is None
    assert world({"RANK": "0"}) is None
    for variables in ({"RANK": "x", "WORLD_SIZE": "2"}, {"RANK": "2", "WORLD_SIZE": "2"}):
        with pytest.raises(UsageError, match="torchrun"):
            world(variables)


@pytest.fixture(scope="module", params=[2, 4])
def ranks(request: pytest.FixtureRequest) -> Iterator[Together]:
    with together(request.param) as made:
        yield made


class TestLeading(TokenGeneratorContract):
    prefills = False

    @pytest.fixture(autouse=True)
    def _ranks(self, ranks: Together, checkpoint: Path) -> None:
        self.ranks, self.checkpoint = ranks, checkpoint

    def open(self) -> TokenGenerator:
        return self.ranks.open(self.checkpoint)


def test_ranks_say_what_one_process_says(ranks: Together, checkpoint: Path, alone: TorchGenerator) -> None:
    """Also beyond the window, with a cold cache and a warm one."""
    many = ranks.open(checkpoint)
    ids = [3 + n * n % 200 for n in range(400)]
    for sampling in (GREEDY, SEEDED, Sampling(temperature=0.0, max_tokens=4, logprobs=True)):
        for prompt in (ids[:30], ids[:200], ids):
            mine = list(many.generate(prompt, sampling, NO_STOP, never))
            theirs = list(alone.generate(prompt, sampling, NO_STOP, never))
            assert ids_of(mine) == ids_of(theirs)
            assert prefilled_of(mine) == prefilled_of(theirs)
    for mine, theirs in zip(many.score(ids, 5), alone.score(ids, 5), strict=True):
        assert (mine.token, mine.rank, mine.best) == (theirs.token, theirs.rank, theirs.best)
        assert (
            abs(mine.logprob - theirs.logprob) < 1e-3
        )  # sums in another order round what is multiplied in fixed point elsewhere
    many.close()


def test_a_cold_cache_and_a_warm_one_agree_to_the_last_bit(ranks: Together, checkpoint: Path) -> None:
    ids = [3 + n * n % 200 for n in range(150)]
    many = ranks.open(checkpoint)
    warm = list(many.generate(ids[:60], SEEDED, NO_STOP, never)) and many.score(ids, 100)
    many.close()
    cold = ranks.open(checkpoint)
    assert cold.score(ids, 100) == warm
    cold.close()


def test_stopping_leaves_nobody_behind(ranks: Together, checkpoint: Path, alone: TorchGenerator) -> None:
    many = ranks.open(checkpoint)
    whole = ids_of(list(alone.generate([3, 4, 5], SEEDED, NO_STOP, never)))
    for steps in range(4):
        stopped = many.generate([3, 4, 5], SEEDED, NO_STOP, never)
        for _ in range(steps):
            next(stopped)
        stopped.close()  # type: ignore[attr-defined]
        looks = iter([False] * steps + [True])
        cancelled = ids_of(list(many.generate([3, 4, 5], SEEDED, NO_STOP, lambda looks=looks: next(looks))))
        assert cancelled == whole[: max(steps - 1, 0)]
    assert ids_of(list(many.generate([3, 4, 5], SEEDED, NO_STOP, never))) == whole
    many.close()


def test_what_all_refuse_leaves_them_in_step(ranks: Together, checkpoint: Path, tmp_path: Path) -> None:
    many = ranks.open(checkpoint)
    with pytest.raises(GenerationFailed, match="vocabulary of 211"):
        list(many.generate([3, 999], GREEDY, NO_STOP, never))
    with pytest.raises(UsageError, match="temperature"):
        list(many.generate([3], Sampling(temperature=-1.0), NO_STOP, never))
    with pytest.raises(GenerationFailed, match="vocabulary of 211"):
        many.score([3, 999])
    with pytest.raises(BackendError, match="there is no checkpoint"):
        ranks.open(tmp_path / "missing")
    assert len(ids_of(list(many.generate([3, 4, 5], GREEDY, NO_STOP, never)))) == GREEDY.max_tokens
    assert ranks.asked == []
    many.close()


def test_two_models_at_once_are_kept_apart(ranks: Together, checkpoint: Path, alone: TorchGenerator) -> None:
    one, two = ranks.open(checkpoint), ranks.open(checkpoint)
    first, second = one.generate([3, 4], GREEDY, NO_STOP, never), two.generate([5, 6, 7], SEEDED, NO_STOP, never)
    taken = [chunk for pair in zip(first, second, strict=True) for chunk in pair]
    assert ids_of(taken[::2]) == ids_of(list(alone.generate([3, 4], GREEDY, NO_STOP, never)))
    assert ids_of(taken[1::2]) == ids_of(list(alone.generate([5, 6, 7], SEEDED, NO_STOP, never)))
    one.close()
    two.close()


SUBJECTS = ["Ada", "Bob", "Chloe", "Dev", "Eve"]
TURNS = [
    "My name is {}.",
    "Hello, I am {}. What can you do?",
    "How do I export a session, {}?",
    "Repeat after me: {}",
    "What is the capital of France, asks {}?",
    "{} earns a living as a baker. What time is it?",
    "Tell me about yourself, says {}.",
    "Please count to five for {}.",
    "Who wrote to {}?",
    "Is {} a name?",
]


def test_fifty_conversations_are_the_same(ranks: Together, embedded: Path, harmony: Harmony) -> None:
    """Their beginnings, at temperature 0; `benchmarks.ranks_agree` has the whole of them."""
    most = 12 if ranks.group.size == 2 else 6
    many, one = ranks.open(embedded), TorchGenerator(embedded, device="cpu")
    differences = []
    for opening in [turn.format(subject) for turn in TURNS for subject in SUBJECTS]:
        said = [converse(harmony, generator, opening, most=most) for generator in (many, one)]
        assert said[0] == said[1], opening
        assert said[0]
    for ids in said:
        pairs = zip(many.score(ids), one.score(ids), strict=True)
        differences += [abs(mine.logprob - theirs.logprob) for mine, theirs in pairs]
    assert max(differences) < 2e-3
    many.close()


def converse(harmony: Harmony, generator: TokenGenerator, *messages: str, most: int | None) -> list[int]:
    """All that the model samples, at most so many tokens at a time."""
    log = MemoryLog()
    session = log.start("a", Settings(start_date="2026-01-02", context=2048))
    sampling = Sampling(temperature=0.0, max_tokens=most)
    conversation = Conversation(
        log, session.branch, harmony=harmony, generator=generator, seed=lambda: 1, sampling=sampling
    )
    for message in messages:
        for _ in conversation.say(message):
            pass
    conversation.close()
    events = [stored.event for stored in log.read(session.branch)]
    return [token for event in events if isinstance(event, TokensSampled) for token in event.ids]
