"""The bytes of tokens without the library, and what is said of a vocabulary that cannot be used."""

from pathlib import Path

import pytest

from gptoss.engine.errors import VocabularyError
from gptoss.engine.harmony import Harmony
from gptoss.engine.tokens import FIRST_SPECIAL
from gptoss.engine.vocabulary import FILE, VARIABLE, Vocabulary, vocabulary_folder


def test_every_token_has_the_bytes_that_the_library_gives_it(harmony: Harmony, vocabulary: Vocabulary) -> None:
    for token in range(FIRST_SPECIAL):
        assert vocabulary.token_bytes(token) == harmony.token_bytes(token)


@pytest.mark.parametrize("damage", [lambda data: data[:-10], lambda data: data.replace(b"IQ== 0", b"Ig== 0", 1)])
def test_a_damaged_vocabulary_is_named(tmp_path: Path, damage: object) -> None:
    file = vocabulary_folder(tmp_path) / FILE
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    for load in (Vocabulary.load, Harmony.load):
        with pytest.raises(VocabularyError, match=f"{file.parent} cannot be read .*: delete that folder and try again"):
            load(tmp_path)


def test_a_folder_without_the_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(VocabularyError, match=f"cannot read the o200k vocabulary in {tmp_path}: No such file"):
        Vocabulary.load(tmp_path)
