"""The scripted generator keeps the port's contract and plays what it was given."""

import pytest

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.errors import GenerationFailed
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Sampling
from tests.contracts.token_generator import NO_STOP, TokenGeneratorContract, ids_of, never

REPLY = tuple(range(1001, 1031))


class TestScripted(TokenGeneratorContract):
    def open(self) -> TokenGenerator:
        return ScriptedGenerator([REPLY] * 8)


def test_the_context_bounds_the_answer() -> None:
    generator = ScriptedGenerator([REPLY] * 2, max_context=10)
    assert len(ids_of(list(generator.generate(range(7), Sampling(), NO_STOP, never)))) == 3
    assert ids_of(list(generator.generate(range(10), Sampling(), NO_STOP, never))) == []


def test_replies_are_played_in_turn_and_run_out() -> None:
    generator = ScriptedGenerator([[1001, 1002], [1003]])
    assert ids_of(list(generator.generate([5], Sampling(), NO_STOP, never))) == [1001, 1002]
    assert ids_of(list(generator.generate([6], Sampling(seed=3), NO_STOP, never))) == [1003]
    assert generator.prompts == [(5,), (6,)]
    assert [sampling.seed for sampling in generator.samplings] == [0, 3]
    with pytest.raises(GenerationFailed, match="call 3"):
        list(generator.generate([7], Sampling(), NO_STOP, never))


def test_an_exception_in_a_reply_is_raised_at_its_place() -> None:
    generator = ScriptedGenerator([[1001, 1002, GenerationFailed("the machine melted"), 1003], [1001, 1002, 1003]])
    stream = generator.generate([5], Sampling(), NO_STOP, never)
    heard = ids_of([next(stream) for _ in range(3)])
    with pytest.raises(GenerationFailed, match="melted"):
        next(stream)
    assert heard == [1001, 1002]
    assert ids_of(list(generator.generate([5, *heard], Sampling(), NO_STOP, never))) == [1003]
