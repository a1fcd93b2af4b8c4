"""`gptoss doctor`: is everything here that it takes, and is the database well. Loads no model."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from gptoss import __version__
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.output import Output, Style
from gptoss.cli.paths import CONFIG
from gptoss.cli.sizes import size
from gptoss.engine.errors import GptossError

LITTLE_DISK = 500_000_000
"""Bytes below which a disk counts as nearly full."""

_STYLES: dict[str, Style] = {"ok": "plain", "warning": "notice", "problem": "error"}


class Finding(Struct, frozen=True):
    """What was looked at, how it is, and a sentence or fact about it."""

    what: str
    state: Literal["ok", "warning", "problem"]
    detail: str


def examine(adapters: Adapters, database: str | None, out: Output, *, repair: bool, gpu: bool, as_json: bool) -> int:
    """Say what was found. Exit code 1 when something is wrong."""
    if repair:
        with closing(adapters.open_log(database)) as log:
            log.repair()
        if not as_json:
            out.line("The list of sessions, the branches and the full-text index were computed again from the events.")
    worst = "ok"
    for finding in _findings(adapters, database, gpu=gpu):
        if as_json:
            out.write(msgspec.json.encode(finding).decode() + "\n")
        else:
            mark = {"ok": "", "warning": "warning: ", "problem": "problem: "}[finding.state]
            out.write(f"{finding.what:<12}", "dim")
            out.write(f"{mark}{finding.detail}", _STYLES[finding.state])
            out.end_line()
        worst = finding.state if finding.state == "problem" else worst
    return 1 if worst == "problem" else 0


def _findings(adapters: Adapters, database: str | None, *, gpu: bool) -> Iterator[Finding]:
    yield Finding("gptoss", "ok", f"{__version__}, Python {sys.version.split()[0]} on {sys.platform}")
    yield from _sqlite(adapters)
    yield from _database(adapters, database)
    for what, folder in (("data", adapters.folders.data), ("cache", adapters.folders.cache)):
        yield _folder(what, folder)
    yield from _config(adapters)
    yield _attempt("vocabulary", lambda: _vocabulary(adapters))
    yield from _backends()
    yield _attempt("kernels", adapters.kernels, worst="warning")
    yield _gpu(thorough=gpu)
    yield _attempt("sandbox", adapters.toolbox.sandbox, worst="warning")


def _config(adapters: Adapters) -> Iterator[Finding]:
    """Where defaults come from: the environment's first, then the file's."""
    set_ = {name: value for name, value in os.environ.items() if name.startswith("GPTOSS_")}
    for name, value in sorted(set_.items()):
        yield Finding("environment", "ok", f"{name} = {_without_password(value)}")
    path = adapters.folders.config / CONFIG
    try:
        said = adapters.config.said
    except GptossError as error:
        yield Finding("config", "problem", str(error))
        return
    if not path.exists():
        yield Finding("config", "ok", f"{path} is not there, which is fine: it would hold your defaults")
    for name, value in said.items():
        yield Finding("config", "ok", f"{name} = {_without_password(repr(value))} ({path})")


def _without_password(text: str) -> str:
    return re.sub(r"(://[^:/@\s]*):[^@/\s]*@", r"\1:***@", text)


def _sqlite(adapters: Adapters) -> Iterator[Finding]:
    library = adapters.sqlite()
    detail = f"{library.version} (by {library.driver})"
    if library.resets_wal_badly:
        detail += " may corrupt a database when two processes write: install pysqlite3, or SQLite 3.51.3 or newer"
    yield Finding("SQLite", "warning" if library.resets_wal_badly else "ok", detail)


def _database(adapters: Adapters, database: str | None) -> Iterator[Finding]:
    try:
        found = adapters.examined(database)
    except GptossError as error:
        yield Finding("database", "problem", str(error))
        return
    where, examination = found
    if examination is None:
        yield Finding("database", "ok", where)
        return
    facts = f"{where}: {size(examination.size)}, {examination.sessions} sessions, schema {examination.schema}"
    yield Finding("database", "ok", f"{facts}, journal {examination.journal_mode}")
    if examination.journal_mode != "wal" and examination.schema is not None:
        yield Finding("journal", "warning", "not WAL: readers and writers wait for each other")
    for sentence in examination.damage:
        yield Finding("integrity", "problem", f"{sentence}: restore the file from a backup")
    for fault in examination.faults:
        advice = ": run `gptoss doctor --repair`" if fault.repairable else ": restore the file from a backup"
        session = f"session {fault.session!r}: " if fault.session else ""
        yield Finding("integrity", "problem", f"{session}{fault.problem}{advice}")
    if not examination.damage and not examination.faults:
        yield Finding("integrity", "ok", "sound; `gptoss verify` checks every event")


def _vocabulary(adapters: Adapters) -> str:
    adapters.harmony()
    return "o200k, loads without a network"


def _folder(what: str, folder: Path) -> Finding:
    if not folder.exists():
        return Finding(what, "ok", f"{folder} (not there yet)")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding(what, "problem", f"{folder} cannot be written: change its permissions")
    free = shutil.disk_usage(folder).free
    detail = f"{folder}: {size(free)} free"
    if free < LITTLE_DISK:
        return Finding(what, "warning", f"{detail}, which is little")
    if what == "data" and os.name == "posix" and folder.stat().st_mode & 0o007:
        return Finding(what, "warning", f"{detail}; others may read it: chmod 700 {folder}")
    return Finding(what, "ok", detail)


def _backends() -> Iterator[Finding]:
    for name, package, needed in (("torch", "torch", True), ("triton", "triton", False), ("vllm", "vllm", False)):
        if find_spec(package) is not None:
            yield Finding(name, "ok", _version(package))
        elif needed:
            yield Finding(name, "problem", f"not installed, and no model runs without it: pip install {package}")
        else:
            yield Finding(name, "ok", "not installed")


def _gpu(*, thorough: bool) -> Finding:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("GPU", "ok", "none that nvidia-smi knows of: models run on the CPU")
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("GPU", "problem", f"nvidia-smi does not answer ({error}): look at the driver")
    cards = "; ".join(done.stdout.split("\n")).strip("; ")
    if not thorough:
        return Finding("GPU", "ok", cards)
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "ok", f"{cards}; torch {torch.__version__} uses it")
    return Finding("GPU", "problem", f"{cards}, which torch {torch.__version__} cannot use: install a CUDA build")


def _attempt(what: str, look: Callable[[], str], worst: Literal["warning", "problem"] = "problem") -> Finding:
    try:
        return Finding(what, "ok", look())
    except GptossError as error:
        return Finding(what, worst, str(error))


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "of an unknown version"
