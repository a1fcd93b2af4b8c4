"""The files in which what a model computed for a session waits for the next process."""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from gptoss.engine.errors import GptossError
from gptoss.engine.ports import TokenGenerator

FOLDER = "keys-and-values"

MOST = 2000
"""MB that all of them may take, unless the user says otherwise."""


class Shelf:
    """One file for each session, the one used last; the ones used longest ago go when there are too many.

    They say in numbers what was said in the session, so they go with it, and nobody but their owner may read them.
    Nothing is lost with them but time: whatever goes wrong here is passed over.
    """

    def __init__(self, folder: Path, most: int) -> None:
        """`most` is how many bytes all may take; with 0 there are none."""
        self._folder = folder
        self._most = most

    def recall(self, generator: TokenGenerator, session: str, ids: Sequence[int]) -> None:
        """Give the generator what there is of the beginning of `ids`."""
        if self._most and ids:
            with suppress(OSError, GptossError):
                generator.recall(ids, self._file(session))

    def store(self, generator: TokenGenerator, session: str, ids: Sequence[int]) -> None:
        """Keep what the generator has computed of the beginning of `ids`."""
        if not self._most or not ids:
            return
        with suppress(OSError, GptossError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if generator.store(ids, self._file(session), self._most):
                self._make_room()

    def forget(self, session: str) -> None:
        """Remove what there is of the session with that id, also what is being written or was left half-written."""
        self._remove(f"{self._file(session).name}*")

    def clear(self) -> None:
        """Remove all of them."""
        self._remove("*")

    def _file(self, session: str) -> Path:
        # An id may come from anybody's archive.
        return self._folder / blake2b(session.encode(), digest_size=16).hexdigest()

    def _remove(self, names: str) -> None:
        for file in self._folder.glob(names):
            with suppress(OSError):
                file.unlink(missing_ok=True)

    def _make_room(self) -> None:
        files = [(file.stat(), file) for file in self._folder.iterdir()]
        total = sum(status.st_size for status, _ in files)
        for status, file in sorted(files, key=lambda each: each[0].st_mtime_ns):
            if total <= self._most:
                return
            file.unlink(missing_ok=True)
            total -= status.st_size
