"""The one place that wires adapters to ports: which database, which vocabulary, which model.

Everything is imported and opened when it is first asked for, so that a command pays only for what it uses.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gptoss.cli.paths import Folders, default_database, folders, named_database
from gptoss.engine.errors import DatabaseReadOnly

if TYPE_CHECKING:
    from collections.abc import Callable

    from gptoss.engine.harmony import Harmony
    from gptoss.engine.ports import EventLog, EventReader, TokenGenerator
    from gptoss.engine.settings import Sampling

CHECKPOINT = "GPTOSS_CHECKPOINT"

EMBEDDED = "embedded demo model"


def model_name(checkpoint: str | None) -> str:
    """What people are told about which model answers."""
    return Path(checkpoint).name if checkpoint else EMBEDDED


class Adapters:
    """What the commands use of the world.

    `folders` says where things live. `report` is told what takes long, as a passing remark, and "" when it is over.
    """

    def __init__(self, report: Callable[[str], None] = lambda text: None) -> None:
        self.folders: Folders = folders()
        self.report = report

    def open_log(self, database: str | None) -> EventLog:
        """The event log, for writing; `database` is what `--db` gave. Makes the data folder if there is none."""
        from gptoss.storage.opening import open_log

        return open_log(named_database(database) or default_database(self.data_folder()))

    def open_reader(self, database: str | None) -> EventReader:
        """The event log, for reading alone: fast to open, and it creates nothing."""
        from gptoss.storage.opening import open_for_reading

        return open_for_reading(named_database(database) or default_database(self.folders.data))

    def data_folder(self) -> Path:
        """The data folder, made readable for its owner alone if it is not there yet."""
        data = self.folders.data
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise DatabaseReadOnly(
                f"cannot create the folder {data} for the sessions ({error.strerror}): "
                "make its parent writable, or name a database with --db"
            ) from error
        return data

    def harmony(self) -> Harmony:
        from gptoss.engine.harmony import Harmony

        self.report("loading the vocabulary …")
        try:
            return Harmony.load(self.folders.cache)
        finally:
            self.report("")

    def checkpoint(self, given: Path | None, own: str | None) -> str | None:
        """The checkpoint to use, as an absolute path: the one given, the session's own, `GPTOSS_CHECKPOINT`.

        None stands for the embedded model.
        """
        if given is not None:
            return str(given.absolute())
        named = os.environ.get(CHECKPOINT)
        return own or (str(Path(named).expanduser().absolute()) if named else None)

    def sampling(self, checkpoint: str | None) -> Sampling:
        """How the checkpoint's publisher recommends to sample."""
        from gptoss.backends.files import sampling_defaults

        return sampling_defaults(self._folder_of(checkpoint))

    def generator(self, checkpoint: str | None, backend: str) -> TokenGenerator:
        """The model, loaded. Raises CheckpointError or BackendError."""
        from gptoss.backends.opening import open_generator

        folder = self._folder_of(checkpoint)
        self.report(f"loading {model_name(checkpoint)} …")
        try:
            return open_generator(backend, folder)
        finally:
            self.report("")

    def _folder_of(self, checkpoint: str | None) -> Path:
        if checkpoint is not None:
            return Path(checkpoint)
        from gptoss.backends.demo.materialise import materialise

        return materialise(
            self.folders.cache,
            lambda done, whole: self.report(f"unpacking the {EMBEDDED}, once: {100 * done // whole}%"),
        )
