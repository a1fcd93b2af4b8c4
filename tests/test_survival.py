"""SIGKILL the real program in mid-answer, with the embedded model: nothing is lost and the answer comes out the same.

`benchmarks/survive.py` does it a thousand times, and while tools run.
"""

import random
from pathlib import Path

import pytest

from gptoss.backends.demo.materialise import materialise
from tests.survival import Program, tokens_of, trial


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materialise(tmp_path_factory.mktemp("model"))


@pytest.mark.parametrize("seed", [1, 2])
def test_an_answer_survives_kills_token_by_token(tmp_path: Path, checkpoint: Path, seed: int) -> None:
    options = ["--checkpoint", str(checkpoint), "--seed", str(seed), "--temperature", "1", "-r", "high"]
    program = Program(tmp_path, *options)
    question = "How do I export a session?"
    answer = program.finish("calm", question)
    assert answer.strip()
    expected = tokens_of(program.history("calm"))
    result = trial(program, "killed", question, expected, 3, random.Random(seed))
    assert result.same
    # Asked again from each recorded prompt, the model draws the same tokens, however the recording came about.
    for session in ("calm", "killed"):
        assert "0 differ" in program.run("replay", session, "--rerun")


def test_a_name_is_remembered_by_another_process(tmp_path: Path, checkpoint: Path) -> None:
    program = Program(tmp_path, "--checkpoint", str(checkpoint))
    program.finish("a", "My name is Ada.")
    assert "Ada" in program.finish("a", "What is my name?")
