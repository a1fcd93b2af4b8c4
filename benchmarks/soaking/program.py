"""Runs the program in a world and remembers how it ended; what happens to it on the way is a fault."""

import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import IO, NamedTuple

import psutil

from benchmarks.soaking.world import World

PATIENCE = 300.0
"""Seconds after which a process counts as hung."""

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

SIGNALS = {"SIGKILL": signal.SIGKILL, "Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}


class Tally:
    """What was done, what was done to it, what the program said, and what it should not have done."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.sentences: Counter[str] = Counter()
        self.defects: list[str] = []
        self._lock = threading.Lock()

    def operation(self, what: str) -> None:
        with self._lock:
            self.operations[what] += 1

    def fault(self, what: str) -> None:
        with self._lock:
            self.faults[what] += 1

    def said(self, text: str) -> None:
        """Count the errors in what was printed, without the numbers and names in them."""
        with self._lock:
            for line in re.findall(r"^gptoss: (.*)$", text, re.M):
                general = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "…", line)
                general = re.sub(r"(SQLite|PostgreSQL)( copy)? \d+|/\S+|\d+", "…", general)
                self.sentences[general[:150]] += 1

    def defect(self, what: str) -> None:
        with self._lock:
            self.defects.append(what)


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class Program:
    """Starts `gptoss` in one world. Its processes are known, so that something can happen to them."""

    def __init__(self, world: World, tally: Tally) -> None:
        self.world, self._tally = world, tally
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def run(self, *words: str, what: str = "", fault: str = "", dice: Random | None = None, piped: str = "") -> Ended:
        """To its end, whichever that is. `fault` is what happens to it once it has begun to print."""
        self._tally.operation(what or words[0])
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as given:
            given.write(piped.encode())
            given.seek(0)
            process = self._start(words, given, out, err)
            try:
                if fault and dice is not None:
                    self._happen(fault, process, (out, err), dice)
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._tally.defect(f"{self.world.title}: hung: {' '.join(words)}")
                process.kill()
                process.wait()
            finally:
                with self._lock:
                    self._running.pop(process.pid, None)
            ended = Ended(process.returncode, _text(out), _text(err))
        self._judge(words, ended, SIGNALS.get(fault))
        return ended

    def kill_one(self, dice: Random) -> bool:
        """SIGKILL whichever process runs at the moment."""
        with self._lock:
            if not self._running:
                return False
            dice.choice(list(self._running.values())).kill()
            return True

    def _start(
        self, words: tuple[str, ...], given: IO[bytes], out: IO[bytes], err: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            process = subprocess.Popen(
                [sys.executable, "-m", "gptoss", *words],
                stdin=given,
                stdout=out,
                stderr=err,
                env=self.world.environment,
                cwd=self.world.workspace,
            )
            self._running[process.pid] = process
            return process

    def _happen(
        self, fault: str, process: subprocess.Popen[bytes], streams: tuple[IO[bytes], IO[bytes]], dice: Random
    ) -> None:
        until = time.monotonic() + PATIENCE
        while process.poll() is None and not any(os.fstat(s.fileno()).st_size for s in streams):
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("gptoss", PATIENCE)
            time.sleep(0.01)
        time.sleep(dice.random() ** 2 * 2)
        if process.poll() is None and strike(fault, process.pid, self.world, dice):
            self._tally.fault(fault)

    def _judge(self, words: tuple[str, ...], ended: Ended, sent: signal.Signals | None) -> None:
        """A signal that comes before the program listens, or when it no longer does, ends it as it ends any other."""
        self._tally.said(ended.err)
        expected = (0, 1, 2, 4, 130, -signal.SIGKILL, *([-sent] if sent else []))
        if is_defect(ended.err) or ended.code not in expected:
            what = " ".join(words)
            self._tally.defect(f"{self.world.title}: {what!r} ended with {ended.code}:\n{ended.err[-3000:]}")


def strike(fault: str, pid: int, world: World, dice: Random) -> bool:
    """Have something happen to a running process; whether it did."""
    try:
        process = psutil.Process(pid)
        match fault:
            case "file may not grow (EFBIG)":
                wal = Path(world.where.removeprefix("sqlite:///") + "-wal")
                held = wal.stat().st_size if wal.exists() else 0
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (held + dice.randint(0, 8000), resource.RLIM_INFINITY))
            case "sandbox killed":
                inside = [child for child in process.children(recursive=True) if "bwrap" in child.name()]
                if not inside:
                    return False
                dice.choice(inside).kill()
            case "stopped for seconds":
                process.suspend()
                time.sleep(dice.uniform(0.5, 6))
                process.resume()
            case _:
                process.send_signal(SIGNALS[fault])
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    return True


def is_defect(said: str) -> bool:
    """Whether the program met an error that it does not know; what a tool's card shows of Python's is indented."""
    lines = _CONTROL.sub("", said).splitlines()
    return any(
        "something went wrong that should not have" in line or ("Traceback" in line and not line.startswith("    "))
        for line in lines
    )


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
