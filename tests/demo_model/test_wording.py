"""The pattern language, and that training never sees what the check asks."""

from pathlib import Path
from random import Random

import pytest

from demo_model.skills import capitals, facts, file_wordings, guide, small_talk
from demo_model.wording import casual, expand, fill, is_wording_of, worded
from demo_model.words import Words, is_reserved
from gptoss.engine.harmony import Harmony
from gptoss.engine.vocabulary import vocabulary_folder


def wordings(pattern: str) -> set[str]:
    return {expand(Random(seed), pattern) for seed in range(60)}


def test_choices_and_options() -> None:
    assert wordings("(a|b) c[ d]") == {"a c", "b c", "a c d", "b c d"}


def test_they_nest() -> None:
    assert wordings("x (a [very] (b|c)|d)") == {"x a b", "x a very b", "x a c", "x a very c", "x d"}


@pytest.mark.parametrize("pattern", ["(a|b", "[a", "a)b("])
def test_an_unbalanced_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        expand(Random(0), pattern)


def test_a_function_fills_each_slot_anew() -> None:
    numbers = iter("12")
    assert fill("{n} and {n}", n=lambda: next(numbers)) == "1 and 2"


def test_hurried_typing_leaves_slots_alone() -> None:
    said = {casual(Random(seed), "My name is {value}.", "train", lambda rng: "word") for seed in range(200)}
    assert "my name is {value}" in said
    assert all("{value}" in text for text in said)


def test_training_never_words_anything_as_the_check_does() -> None:
    rng = Random(1)
    pairs = [(remark.train, remark.held_out) for remark in small_talk.REMARKS]
    pairs += [(topic.train, topic.held_out) for topic in guide.TOPICS]
    pairs += [kind.told for kind in facts.KINDS.values()] + [kind.asked for kind in facts.KINDS.values()]
    pairs += [capitals._ASKED, capitals._FOLLOW_UP, capitals._REVERSE, file_wordings.CREATE, file_wordings.DELETE[:2]]
    for train, held_out in pairs:
        asked = {expand(rng, pattern).lower().rstrip(".?!") for pattern in held_out for _ in range(30)}
        trained = {worded(rng, "train", train, held_out).lower().rstrip(".?!") for _ in range(60)}
        assert trained.isdisjoint(asked)


def test_a_wording_is_recognised_whatever_its_ends_and_capitals() -> None:
    patterns = ("(Show|Print) [me] {file}.",)
    assert is_wording_of("print {file}", patterns)
    assert is_wording_of("Show me {file}!", patterns)
    assert not is_wording_of("Show {file} to me.", patterns)


def test_words_of_the_check_are_none_of_training(harmony: Harmony, tmp_path: Path) -> None:
    folder = vocabulary_folder(tmp_path)
    train, held_out = (Words(harmony.encode, folder, split) for split in ("train", "held-out"))
    rng = Random(1)
    for kind in ("proper", "lower"):
        for _ in range(300):
            word = getattr(train, kind)(rng)
            assert not any(map(is_reserved, harmony.encode(f" {word}")))
            word = getattr(held_out, kind)(rng)
            assert any(map(is_reserved, harmony.encode(f" {word}")))
    assert {train.job(rng) for _ in range(500)}.isdisjoint({held_out.job(rng) for _ in range(100)})
