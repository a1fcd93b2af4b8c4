"""A vLLM server on this machine that outlives the chat it was started for, and that the next one finds.

What is known of each is in a file of its own: where it listens, its key, its process. A server belongs to the user in
whose folder the file is; the key keeps other users of the machine out.
"""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path

import msgspec
from msgspec import Struct

from gptoss.backends.vllm.options import KEY, REMEDY, Report, VllmOptions
from gptoss.backends.vllm.quiet import cause_in
from gptoss.backends.vllm.transport import HttpServer, Refused, Unreachable
from gptoss.engine.errors import BackendError

POLL = 0.2
PATIENCE = 10.0
"""Seconds that a server has to end by itself before it is killed."""


class ServerRecord(Struct, frozen=True, kw_only=True):
    """A server that was started. `born` tells its process from a later one of the same id: clock ticks since boot."""

    url: str
    key: str
    pid: int
    born: int
    checkpoint: str
    log: str
    arguments: tuple[tuple[str, str], ...] = ()

    @property
    def runs(self) -> bool:
        return _born(self.pid) == self.born


def find_or_start(path: Path, options: VllmOptions, report: Report = lambda text: None) -> HttpServer:
    """The server for this checkpoint and these arguments, ready. BackendError when it does not get ready."""
    folder = _folder(options)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked = json.dumps([str(path), options.arguments]).encode()
    file = folder / f"{blake2b(asked, digest_size=8).hexdigest()}.json"
    with _locked(folder):
        record = _read(file)
        if record is None or not record.runs:
            record = _start(path, file, options)
    server = HttpServer(record.url, record.key)
    while not _ready(server):
        if not record.runs:
            file.unlink(missing_ok=True)
            raise BackendError(
                f"the vLLM server could not start ({cause_in(Path(record.log), 0)}); what it said is in {record.log}"
            )
        report("waiting for the vLLM server, which stays for later chats …")
        time.sleep(POLL)
    return server


def servers(options: VllmOptions) -> list[ServerRecord]:
    """Those that run; what is left of others is cleared away."""
    found = []
    for file in sorted(_folder(options).glob("*.json")):
        record = _read(file)
        if record is not None and record.runs:
            found.append(record)
        else:
            file.unlink(missing_ok=True)
    return found


def stop(record: ServerRecord) -> None:
    """End a server and what it started; nothing of it is left afterwards."""
    _signal(record, signal.SIGTERM)
    _wait(lambda: record.runs)
    # Its group: the engine may be left over, and a server that hangs is.
    _signal(record, signal.SIGKILL)
    # Only when its processes are gone is their memory, which the next server may need.
    _wait(lambda: bool(group(record.pid)))


def group(leader: int) -> list[int]:
    """The processes that run in a group."""
    found = [(fields, int(stat.parent.name)) for stat in Path("/proc").glob("[0-9]*/stat") if (fields := _stat(stat))]
    return [pid for fields, pid in found if fields[2] == str(leader)]


def _start(path: Path, file: Path, options: VllmOptions) -> ServerRecord:
    if find_spec("vllm") is None:
        raise BackendError(f"there is no vLLM here to serve with; install it with: {REMEDY}")
    options.logs.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = options.logs / f"vllm-server-{file.stem}.log"
    port, key = _free_port(), secrets.token_urlsafe(24)
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  it is ourselves
            _command(path, port, options),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {KEY: key},
            start_new_session=True,  # neither Ctrl-C nor the end of this terminal is meant for it
        )
    record = ServerRecord(
        url=f"http://127.0.0.1:{port}",
        key=key,
        pid=process.pid,
        born=_born(process.pid) or 0,
        checkpoint=str(path),
        log=str(log),
        arguments=options.arguments,
    )
    scratch = file.with_suffix(".new")
    scratch.touch(mode=0o600)
    scratch.write_bytes(msgspec.json.encode(record))
    scratch.rename(file)
    # It is not waited for; a process object that is thrown away would complain.
    process.returncode = 0
    return record


def _command(path: Path, port: int, options: VllmOptions) -> list[str]:
    return [
        *(sys.executable, "-m", "gptoss.backends.vllm.serve"),
        *(str(path), str(options.cache), str(port)),
        *options.command_line,
    ]


def _folder(options: VllmOptions) -> Path:
    return options.logs.parent / "servers"


def _read(file: Path) -> ServerRecord | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=ServerRecord)
    except (OSError, msgspec.MsgspecError):
        return None


def _ready(server: HttpServer) -> bool:
    try:
        server.get("/v1/models")
    except (Unreachable, Refused):
        return False
    return True


def _signal(record: ServerRecord, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(record.pid, number)


def _wait(unfinished: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while unfinished() and time.monotonic() < end:
        time.sleep(POLL)


def _born(pid: int) -> int | None:
    """When a process began, None if there is none."""
    fields = _stat(Path(f"/proc/{pid}/stat"))
    return int(fields[19]) if fields else None


def _stat(file: Path) -> list[str]:
    """What proc_pid_stat(5) tells of a process, from its third field on. Nothing of one that has ended."""
    try:
        fields = file.read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] == "Z" else fields


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One chat at a time looks and starts; the system lets go of the lock of one that was killed."""
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
