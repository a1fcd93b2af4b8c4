"""What every backend promises, as one suite: `class TestMine(TokenGeneratorContract)` with `open` runs it."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from gptoss.engine.errors import ContextFull, GenerationFailed
from gptoss.engine.ports import TokenChunk, TokenGenerator
from gptoss.engine.settings import Sampling

GREEDY = Sampling(temperature=0.0, max_tokens=12)
SEEDED = Sampling(temperature=1.0, top_p=0.95, seed=7, max_tokens=12)
NO_STOP: frozenset[int] = frozenset()


def never() -> bool:
    return False


def ids_of(chunks: Sequence[TokenChunk]) -> list[int]:
    return [token for chunk in chunks for token in chunk.ids]


def prefilled_of(chunks: Sequence[TokenChunk]) -> int:
    return sum(chunk.prefilled for chunk in chunks)


class TokenGeneratorContract:
    """`open` gives a fresh generator of one and the same checkpoint; every id of `prompt` lies in its vocabulary.

    `block` is how many tokens the cache holds together: those of an unfinished block are computed again. `tells_late`
    is for a backend that learns only at the end of an answer how much of the prompt it computed. `rounds_alike` says
    that a token has the same numbers whether it was computed alone or with others, `prefills` that it computes ahead.
    """

    prompt: tuple[int, ...] = tuple(range(3, 43))
    block: int = 1
    tells_late: bool = False
    rounds_alike: bool = True
    prefills: bool = True

    def open(self) -> TokenGenerator:
        raise NotImplementedError

    @pytest.fixture
    def generator(self) -> Iterator[TokenGenerator]:
        generator = self.open()
        yield generator
        generator.close()

    def run(
        self,
        generator: TokenGenerator,
        prompt: Sequence[int] | None = None,
        sampling: Sampling = GREEDY,
        stop_ids: frozenset[int] = NO_STOP,
    ) -> list[TokenChunk]:
        return list(generator.generate(self.prompt if prompt is None else prompt, sampling, stop_ids, never))

    def fresh(self, prompt: Sequence[int], sampling: Sampling) -> list[int]:
        """The tokens that a generator with an empty cache gives."""
        generator = self.open()
        try:
            return ids_of(self.run(generator, prompt, sampling))
        finally:
            generator.close()

    def test_says_what_it_is(self, generator: TokenGenerator) -> None:
        other = self.open()
        assert generator.name in ("torch", "triton", "vllm", "scripted")
        assert generator.fingerprint
        assert generator.fingerprint == other.fingerprint
        assert generator.arithmetic
        assert generator.arithmetic == other.arithmetic
        assert generator.max_context >= len(self.prompt)
        other.close()

    @pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
    def test_the_same_request_gives_the_same_tokens(self, generator: TokenGenerator, sampling: Sampling) -> None:
        first = ids_of(self.run(generator, sampling=sampling))
        assert len(first) == sampling.max_tokens
        assert ids_of(self.run(generator, sampling=sampling)) == first
        assert self.fresh(self.prompt, sampling) == first

    def test_a_cold_prompt_is_computed_whole_before_the_first_token(self, generator: TokenGenerator) -> None:
        chunks = self.run(generator)
        before_first = chunks[: next(i for i, chunk in enumerate(chunks) if chunk.ids) + 1]
        assert prefilled_of(chunks) == len(self.prompt)
        assert self.tells_late or prefilled_of(before_first) == len(self.prompt)

    def test_a_longer_prompt_computes_only_what_is_new(self, generator: TokenGenerator) -> None:
        answer = ids_of(self.run(generator))
        longer = [*self.prompt, *answer, 5, 6, 7]
        chunks = self.run(generator, longer)
        # The last sampled token was never fed back, so it may have to be computed beside the three new ones.
        assert 3 <= prefilled_of(chunks) <= 3 + self.block
        assert prefilled_of(chunks) + sum(chunk.cached for chunk in chunks) == len(longer)

    def test_the_same_prompt_again_computes_at_most_its_end(self, generator: TokenGenerator) -> None:
        self.run(generator)
        assert prefilled_of(self.run(generator)) <= self.block

    def test_what_was_computed_ahead_is_not_computed_again(self, generator: TokenGenerator) -> None:
        ahead = list(generator.prefill(self.prompt[:30], never))
        assert ids_of(ahead) == []
        assert prefilled_of(ahead) == (30 if self.prefills else 0)
        chunks = self.run(generator, sampling=SEEDED)
        assert prefilled_of(chunks) == len(self.prompt) - prefilled_of(ahead)
        if self.rounds_alike:
            assert ids_of(chunks) == self.fresh(self.prompt, SEEDED)

    def test_computing_ahead_forgets_no_more_than_it_must(self, generator: TokenGenerator) -> None:
        self.run(generator)
        assert list(generator.prefill(self.prompt[:20], never)) == []
        assert prefilled_of(self.run(generator)) <= self.block
        other = (*self.prompt[:20], 9, 8, 7)
        ahead = list(generator.prefill(other, never))
        assert [prefilled_of(ahead), sum(chunk.cached for chunk in ahead)] == ([3, 20] if self.prefills else [0, 0])
        assert list(generator.prefill(other, never)) == []

    def test_computing_ahead_can_be_cancelled(self, generator: TokenGenerator) -> None:
        assert list(generator.prefill(self.prompt, lambda: True)) == []
        assert ids_of(self.run(generator)) == self.fresh(self.prompt, GREEDY)

    def test_a_few_tokens_are_not_worth_a_file(self, generator: TokenGenerator, tmp_path: Path) -> None:
        whole = ids_of(self.run(generator))
        assert generator.store(self.prompt, tmp_path / "file", 1 << 30) == 0
        assert list(tmp_path.iterdir()) == []
        assert generator.recall([5, *self.prompt], tmp_path / "file") == 0
        assert ids_of(self.run(generator)) == whole

    def test_prompts_that_part_ways_do_not_disturb_each_other(self, generator: TokenGenerator) -> None:
        left, right = (*self.prompt, 3, 4), (*self.prompt[:-5], 9, 8)
        expected = self.fresh(left, GREEDY), self.fresh(right, GREEDY)
        for _ in range(2):
            assert (ids_of(self.run(generator, left)), ids_of(self.run(generator, right))) == expected

    def test_a_shorter_prompt_forgets_what_came_after(self, generator: TokenGenerator) -> None:
        shorter = self.prompt[:7]
        expected = self.fresh(shorter, GREEDY)
        self.run(generator)
        assert ids_of(self.run(generator, shorter)) == expected

    def test_a_stop_id_is_yielded_and_ends_it(self, generator: TokenGenerator) -> None:
        whole = ids_of(self.run(generator))
        stop = whole[4]
        stopped = ids_of(self.run(generator, stop_ids=frozenset({stop})))
        assert stopped == whole[: whole.index(stop) + 1]

    def test_max_tokens_bounds_the_answer(self, generator: TokenGenerator) -> None:
        for most in (0, 1, 5):
            assert len(ids_of(self.run(generator, sampling=Sampling(temperature=0.0, max_tokens=most)))) == most

    def test_cancelling_keeps_what_there_is(self, generator: TokenGenerator) -> None:
        whole = ids_of(self.run(generator))
        kept: list[int] = []
        for chunk in generator.generate(self.prompt, GREEDY, NO_STOP, lambda: len(kept) >= 3):
            kept.extend(chunk.ids)
        assert 3 <= len(kept) < len(whole)
        assert kept == whole[: len(kept)]
        assert ids_of(self.run(generator)) == whole

    def test_cancelled_from_the_start_samples_nothing(self, generator: TokenGenerator) -> None:
        assert ids_of(list(generator.generate(self.prompt, GREEDY, NO_STOP, lambda: True))) == []
        assert len(ids_of(self.run(generator))) == GREEDY.max_tokens

    def test_closing_the_iterator_leaves_a_usable_generator(self, generator: TokenGenerator) -> None:
        whole = ids_of(self.run(generator))
        stream = generator.generate(self.prompt, GREEDY, NO_STOP, never)
        for chunk in stream:
            if chunk.ids:
                break
        stream.close()  # type: ignore[attr-defined]  # generators of this suite are Python generators
        assert ids_of(self.run(generator)) == whole

    @pytest.mark.parametrize("kept", [1, 5, 11])
    def test_an_interrupted_answer_continues_with_the_same_tokens(self, generator: TokenGenerator, kept: int) -> None:
        whole = ids_of(self.run(generator, sampling=SEEDED))
        begun = whole[:kept]
        rest = Sampling(temperature=1.0, top_p=0.95, seed=7, max_tokens=len(whole) - kept)
        assert begun + ids_of(self.run(generator, [*self.prompt, *begun], rest)) == whole
        if self.rounds_alike:
            assert begun + self.fresh([*self.prompt, *begun], rest) == whole

    def test_a_prompt_that_does_not_fit_is_refused(self, generator: TokenGenerator) -> None:
        with pytest.raises(ContextFull):
            self.run(generator, [3] * (generator.max_context + 1))
        assert len(ids_of(self.run(generator))) == GREEDY.max_tokens

    def test_an_empty_prompt_is_refused(self, generator: TokenGenerator) -> None:
        with pytest.raises(GenerationFailed):
            self.run(generator, [])

    def test_scores_are_log_probabilities_of_all_but_the_first(self, generator: TokenGenerator) -> None:
        scores = generator.score(self.prompt)
        assert [score.token for score in scores] == list(self.prompt[1:])
        for score in scores:
            assert math.isfinite(score.logprob)
            assert score.logprob <= score.best_logprob <= 0
            assert score.rank >= 1
            assert (score.rank == 1) == (score.best == score.token)
            assert score.entropy >= -score.best_logprob - 1e-3
        assert generator.score(self.prompt[:1]) == []

    def test_scores_may_begin_anywhere_and_do_not_depend_on_what_is_cached(self, generator: TokenGenerator) -> None:
        cold = generator.score(self.prompt)
        assert generator.score(self.prompt, 17) == cold[16:]
        assert generator.score(self.prompt, len(self.prompt)) == []

    def test_recorded_log_probabilities_are_those_of_a_score(self, generator: TokenGenerator) -> None:
        chunks = self.run(generator, sampling=replace(SEEDED, logprobs=True))
        recorded = [logprob for chunk in chunks for logprob in chunk.logprobs or ()]
        assert len(recorded) == len(ids_of(chunks))
        scores = generator.score([*self.prompt, *ids_of(chunks)], len(self.prompt))
        assert [score.logprob for score in scores] == pytest.approx(recorded, abs=1e-4 if self.rounds_alike else 0.1)

    def test_scoring_leaves_generation_as_it_was(self, generator: TokenGenerator) -> None:
        whole = ids_of(self.run(generator))
        generator.score([*self.prompt[:10], 3, 3, 3])
        assert ids_of(self.run(generator)) == whole
