"""Wires adapters to ports: which database, which vocabulary, which model; `toolbox` does so for tools.

Everything is imported and opened when it is first asked for, so that a command pays only for what it uses.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gptoss.cli.paths import CONFIG, Folders, default_database, folders, named_database
from gptoss.engine.errors import DatabaseReadOnly, GptossError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gptoss.backends.vllm.options import VllmOptions, VllmRequest
    from gptoss.cli.config import Config
    from gptoss.cli.kept import Kept
    from gptoss.cli.shelf import Shelf
    from gptoss.cli.toolbox import Toolbox
    from gptoss.engine.harmony import Harmony
    from gptoss.engine.ports import EventLog, EventReader, TokenGenerator
    from gptoss.engine.progress import Progress
    from gptoss.engine.settings import Sampling
    from gptoss.engine.vocabulary import Vocabulary
    from gptoss.storage.health import Examination, SqliteLibrary

CHECKPOINT = "GPTOSS_CHECKPOINT"

EMBEDDED = "embedded demo model"

ALREADY_SPREAD = (
    "vLLM spreads a model over GPUs by itself: start gptoss without torchrun and say "
    "--vllm-arg tensor_parallel_size=N, or name a server with --server"
)


Together = Callable[[str, Path, "Progress"], "TokenGenerator"]
"""Opens a backend with a checkpoint on all ranks at once, and tells how far this one is."""


def model_name(checkpoint: str | None) -> str:
    """What people are told about which model answers."""
    return Path(checkpoint).name if checkpoint else EMBEDDED


class Served(NamedTuple):
    """A model that a server has; `folder` is its checkpoint, if that is on this machine."""

    folder: Path | None


class Adapters:
    """What the commands use of the world.

    `folders` says where things live. `report` is told what takes long, as a passing remark, and "" when it is over.
    `vllm` is what was said about that backend; `debug` lets it write its log to the terminal; `profile` is the one of
    the user's config that counts. `together` is there where other processes share the models with this one.
    """

    def __init__(
        self,
        report: Callable[[str], None] = lambda text: None,
        *,
        debug: bool = False,
        together: Together | None = None,
    ) -> None:
        self.folders: Folders = folders()
        self.report = report
        self.debug = debug
        self.together = together
        self.vllm: VllmRequest | None = None
        self.profile: str | None = None
        self._served: Served | None = None

    @cached_property
    def config(self) -> Config:
        """The user's defaults, those of `profile` first. Raises ConfigError."""
        from gptoss.cli.config import load_config

        return load_config(self.folders.config, self.profile)

    def _database(self, given: str | None) -> str | None:
        named = named_database(given)
        # Most have no such file, and listing sessions must not wait for what would read it.
        if named is None and (self.profile or (self.folders.config / CONFIG).exists()):
            return self.config.database
        return named

    def open_log(self, database: str | None) -> EventLog:
        """The event log, for writing; `database` is what `--db` gave. Makes the data folder if there is none."""
        from gptoss.storage.opening import open_log

        with self._migrating() as progress:
            return open_log(self._database(database) or default_database(self.data_folder()), progress)

    def open_reader(self, database: str | None) -> EventReader:
        """The event log, for reading alone: fast to open, and it creates nothing."""
        from gptoss.storage.opening import open_for_reading

        with self._migrating() as progress:
            return open_for_reading(self._database(database) or default_database(self.folders.data), progress)

    @contextmanager
    def _migrating(self) -> Iterator[Progress]:
        """Says how far a migration is, if there is one."""
        told: list[Progress] = []

        def progress(done: int, whole: int) -> None:
            if not told:
                from gptoss.cli.progress import Remark

                told.append(Remark("bringing the database to the newest schema, a backup first", self.report))
            told[0](done, whole)

        try:
            yield progress
        finally:
            if told:
                self.report("")

    def backups(self, database: str | None) -> list[Path]:
        """The copies that migrations of the database have left behind."""
        from gptoss.storage.opening import backups

        return backups(self._database(database) or default_database(self.folders.data))

    def sqlite(self) -> SqliteLibrary:
        from gptoss.storage.health import library

        return library()

    def examined(self, database: str | None) -> tuple[str, Examination | None]:
        """Where the database is, and how it is; None where there is none yet, or its server looks after it."""
        from gptoss.storage.opening import examined

        return examined(named_database(database) or default_database(self.folders.data))

    def kernels(self) -> str:
        """What models compute with on this machine's CPU. A GptossError says why it is not the fastest there is."""
        from gptoss.backends.torch.native.kernels import Unavailable, instructions, load

        try:
            name = instructions()
            load(name)
        except Unavailable as missing:
            raise GptossError(f"models run slower on the CPU, on PyTorch alone: {missing}") from missing
        return f"native, for {name}"

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

    def vocabulary(self) -> Vocabulary:
        """What spells tokens, for commands that turn no text into tokens."""
        from gptoss.engine.vocabulary import Vocabulary

        return Vocabulary.load(self.folders.cache)

    def checkpoint(self, given: Path | None, own: str | None) -> str | None:
        """The checkpoint to use, as an absolute path: the one given, the session's, `GPTOSS_CHECKPOINT`, the config's.

        None stands for the embedded model.
        """
        if given is not None:
            return str(given.absolute())
        named = os.environ.get(CHECKPOINT) or (None if own else self.config.checkpoint)
        return own or (str(Path(named).expanduser().absolute()) if named else None)

    def sampling(self, checkpoint: str | None) -> Sampling:
        """How the checkpoint's publisher recommends to sample, as far as that is known of a server's own."""
        from gptoss.backends.files import sampling_defaults
        from gptoss.engine.settings import Sampling

        if self._served is not None:
            return Sampling() if self._served.folder is None else sampling_defaults(self._served.folder)
        return sampling_defaults(self._folder_of(checkpoint))

    def generator(self, checkpoint: str | None, backend: str) -> TokenGenerator:
        """The model, loaded. Raises CheckpointError or BackendError."""
        from gptoss.backends.opening import VLLM, open_generator
        from gptoss.cli.progress import Remark

        vllm = self.vllm_options()
        serves_its_own = backend == VLLM and vllm.server is not None
        folder = None if serves_its_own else self._folder_of(checkpoint)
        self.report(f"loading {model_name(checkpoint)} …")
        try:
            loading = Remark(f"loading {model_name(checkpoint)}", self.report)
            if self.together is not None and folder is not None:
                if backend == VLLM:
                    raise UsageError(ALREADY_SPREAD)
                return self.together(backend, folder, loading)
            generator = open_generator(backend, folder, vllm, self.report, progress=loading)
        finally:
            self.report("")
        if serves_its_own:
            self._served = Served(getattr(generator, "folder", None))
        return generator

    def vllm_options(self) -> VllmOptions:
        """What was said about vLLM on the command line and in the environment."""
        from msgspec.structs import replace

        from gptoss.backends.vllm.options import SERVER, VllmRequest

        request = self.vllm or VllmRequest()
        config = self.config
        if config.vllm_args:
            request = replace(request, arguments=(*config.vllm_args, *request.arguments))
        if config.server and not request.serve and not os.environ.get(SERVER):
            request = replace(request, server=request.server or config.server)
        return request.options(self.folders.cache, self.folders.data / "logs", shows_log=self.debug)

    @cached_property
    def toolbox(self) -> Toolbox:
        """The tools that there are."""
        from gptoss.cli.toolbox import Toolbox

        return Toolbox(self.folders.data)

    def forget_files(self, session: str) -> None:
        """Remove what tools have left in files for the session with that id; pictures of others are made again."""
        self.toolbox.forget(session)
        self.shelf().forget(session)
        self._forget_pictures()

    def forget_copies(self) -> None:
        """Remove what can be made again from the log: pictures that were shown, keys and values of all sessions."""
        self.shelf().clear()
        self._forget_pictures()

    def _forget_pictures(self) -> None:
        from shutil import rmtree

        from gptoss.cli.kept import PICTURES

        rmtree(self.folders.cache / PICTURES, ignore_errors=True)

    def shelf(self, megabytes: int = 0) -> Shelf:
        """What models have computed for sessions, in files that may take so much in all."""
        from gptoss.cli.shelf import FOLDER, Shelf

        return Shelf(self.folders.cache / FOLDER, megabytes * 1_000_000)

    def kept(self, get_blob: Callable[[str], bytes]) -> Kept:
        """What tools kept in the log that `get_blob` reads, for a display."""
        from gptoss.cli.kept import Kept

        return Kept(get_blob, self.folders.cache)

    def _folder_of(self, checkpoint: str | None) -> Path:
        return self._embedded if checkpoint is None else Path(checkpoint)

    @cached_property
    def _embedded(self) -> Path:
        from gptoss.backends.demo.materialise import materialise
        from gptoss.cli.progress import Remark

        return materialise(
            self.folders.cache,
            Remark(f"unpacking the {EMBEDDED}, once", self.report),
        )
