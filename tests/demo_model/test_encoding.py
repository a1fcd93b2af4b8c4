"""Training sees the very tokens that the engine prompts with."""

from pathlib import Path
from random import Random

import pytest

from demo_model.conversation import Conversation
from demo_model.encoding import Encoded, encode
from demo_model.evaluate import play
from demo_model.part import VOCABULARY_SIZE
from demo_model.spelling import MARK, Speller
from demo_model.words import Words
from demo_model.writing import write
from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.harmony import Harmony
from gptoss.engine.settings import Sampling
from gptoss.engine.tokens import ASSISTANT_TURN, STOP_IDS
from gptoss.engine.vocabulary import vocabulary_folder


@pytest.fixture(scope="module")
def written(harmony: Harmony, tmp_path_factory: pytest.TempPathFactory) -> list[Conversation]:
    words = Words(harmony.encode, vocabulary_folder(tmp_path_factory.mktemp("cache")), "train")
    rng = Random(3)
    return [write(rng, words, "train", 6) for _ in range(25)]


@pytest.fixture(scope="module")
def speller(harmony: Harmony, tmp_path_factory: pytest.TempPathFactory) -> Speller:
    return Speller(harmony.encode, vocabulary_folder(tmp_path_factory.mktemp("vocabulary")), VOCABULARY_SIZE)


def generations(encoded: Encoded) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """(prompt, reply) of each model call that the encoding stands for."""
    calls = []
    for branch in encoded.branches:
        begin = None
        for index, (token, sampled) in enumerate(zip(branch.ids, branch.sampled, strict=True)):
            if sampled and begin is None:
                begin = index
            if sampled and token in STOP_IDS:
                assert begin is not None
                calls.append((encoded.trunk[: branch.fork] + branch.ids[:begin], branch.ids[begin : index + 1]))
                begin = None
        assert begin is None
    return calls


def test_prompts_and_history_are_the_engines(harmony: Harmony, written: list[Conversation], speller: Speller) -> None:
    for conversation in written:
        calls = generations(encode(conversation, harmony, speller))
        generator = ScriptedGenerator([reply for _, reply in calls])
        outcomes = list(play(conversation, generator, harmony, Sampling(), seed=0))
        assert all(outcome.right for outcome in outcomes)
        assert [tuple(prompt) for prompt in generator.prompts] == [prompt for prompt, _ in calls]


def test_the_model_is_trained_on_what_it_samples(
    harmony: Harmony, written: list[Conversation], speller: Speller
) -> None:
    for conversation in written:
        for branch in encode(conversation, harmony, speller).branches:
            assert branch.ids[:2] == ASSISTANT_TURN
            assert not any(branch.sampled[:2])
            assert branch.sampled[-1]


def test_the_same_seed_writes_the_same(harmony: Harmony, tmp_path: Path) -> None:
    words = Words(harmony.encode, vocabulary_folder(tmp_path), "held-out")
    assert write(Random(5), words, "held-out", 8) == write(Random(5), words, "held-out", 8)


def test_a_word_without_its_space_is_spelt_with_its_pieces(harmony: Harmony, speller: Speller) -> None:
    for text in ("eggs", "milk and honey", "Zbigniew", "happened", "42 eggs", "lighthouse.", "x = 5"):
        ids = speller.encode_marked(f"+{MARK}{text}")
        assert harmony.decode(ids) == f"+{text}"
        spaced = harmony.encode(f" {text}")
        if pieces := speller.pieces(spaced[0]):
            assert ids[1 : 1 + len(pieces)] == pieces
            assert ids[1 + len(pieces) :] == spaced[1:]
