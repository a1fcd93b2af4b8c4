"""A Jupyter kernel in a sandbox: starts it, runs code in it, stops what runs too long.

Blocking, and for one thread; `jupyter_client` is imported only here.
"""

import asyncio
import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any, Literal

from gptoss.tools.python import processes, within
from gptoss.tools.python.limits import MB, Limits
from gptoss.tools.python.output import Output
from gptoss.tools.python.sandbox import Order, Sandbox, Unavailable
from gptoss.tools.python.scratch import Scratch

Ending = Literal["done", "interrupted", "timeout", "killed", "too much output", "folder full", "memory", "died"]
"""How a call ended. After "killed", "memory" and "died" the kernel is gone, otherwise its variables are kept."""

GONE: frozenset[Ending] = frozenset(("killed", "memory", "died"))

_TICK = 0.05
"""Seconds between two looks at the clock and at whether to stop."""
_START = 60.0
"""Seconds that a kernel may take to start."""
_GRACE = 5.0
"""Seconds that interrupted code has to end by itself."""
_LAST_WORD = 1.0
"""Seconds between a reply and the end of the output that belongs to it."""
_LARGEST_MESSAGE = 64_000_000
"""Bytes. An image may be as large; what is larger never reaches this process."""
_MOST_MESSAGES = 100_000
"""That may wait to be read."""
_WATCH = 0.25
_WATCH_FOLDER = 1.0
"""Seconds between two looks at memory, and at the size of the folder."""


class Kernel:
    """One kernel and its process."""

    def __init__(self, sandbox: Sandbox, data: Path, limits: Limits) -> None:
        """Start it and wait until it answers. Raises Unavailable."""
        self._limits = limits
        self._data = data
        self._scratch = Scratch()
        self._process: subprocess.Popen[bytes] | None = None
        self._client: Any = None
        self._context: Any = None
        try:
            self._start(sandbox)
        except BaseException:
            self.close()
            raise
        self._own = frozenset(processes.below(self._pid))

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def execute(
        self, code: str, output: Output, timeout: float, stop: Callable[[], bool] = lambda: False
    ) -> tuple[Ending, int]:
        """Run code, add what it shows to `output`, and say how it ended and how many processes it left behind.

        `timeout` is in seconds. `stop` is asked all the time; once it says yes, the code is interrupted.
        """
        watch = _Watch(self._pid, (self._data, self._scratch.path), self._limits, timeout, stop)
        left = 0
        try:
            ending = self._follow(self._client.execute(code, allow_stdin=False, stop_on_error=False), output, watch)
            if ending not in GONE:
                left = processes.kill_all(self._pid, self._own)
                if left < 0:
                    ending, left = "killed", 0
            if ending == "too much output":
                # A channel on which a message was too large is closed for good.
                self._connect(_GRACE)
        except _NoKernelError:
            ending = "died"
        if ending in GONE:
            self.close()
        return ending, left

    def close(self) -> None:
        """Kill it and all that it started."""
        if self._client is not None:
            self._client.stop_channels()
            self._client = None
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process = None
        self._scratch.close()

    @property
    def _pid(self) -> int:
        return self._process.pid if self._process is not None else 0

    def _start(self, sandbox: Sandbox) -> None:
        try:
            import zmq
            from jupyter_client.blocking.client import BlockingKernelClient
        except ImportError as error:
            raise Unavailable("It needs packages that are not installed: pip install 'gptoss[python]'.") from error
        runtime = self._scratch.path / "run"
        runtime.mkdir(mode=0o700)
        ports = {f"{name}_port": number for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)}
        connection: Any = {
            "transport": "ipc",
            "ip": str(runtime / "s"),
            "key": secrets.token_hex(32),
            "signature_scheme": "hmac-sha256",
            **ports,
        }
        file = runtime / "connection.json"
        file.write_text(json.dumps(connection))
        command = (sys.executable, "-c", Path(within.__file__).read_text(), str(file))
        order = Order(runtime, self._data, self._scratch.path / "errors", command)
        self._process = sandbox.start(order)
        self._context = zmq.Context()
        self._context.setsockopt(zmq.MAXMSGSIZE, _LARGEST_MESSAGE)
        self._context.setsockopt(zmq.RCVHWM, _MOST_MESSAGES)

        def make_client() -> Any:
            client = BlockingKernelClient(context=self._context)
            client.load_connection_info(connection)
            return client

        self._make_client = make_client
        try:
            self._connect(_START)
        except _NoKernelError:
            said = order.errors.read_text(errors="replace").strip().rpartition("\n")[2]
            kind = Unavailable if self.alive else Stillborn
            raise kind(f"Its kernel does not start ({said or 'it says nothing'}).") from None

    def _connect(self, seconds: float) -> None:
        """Wait until the kernel answers on both channels: what it says before we listen is lost."""
        if self._client is not None:
            self._client.stop_channels()
        self._client = self._make_client()
        self._client.start_channels(stdin=False, hb=False)
        deadline = monotonic() + seconds
        answered = heard = False
        while not (answered and heard):
            if not self.alive or monotonic() > deadline:
                raise _NoKernelError
            self._client.kernel_info()
            answered = answered or _receive(self._client.get_shell_msg, 1) is not None
            while _receive(self._client.get_iopub_msg, _TICK):
                heard = True

    def _follow(self, request: str, output: Output, watch: "_Watch") -> Ending:
        """Collect what the request shows until it is over."""
        why: Ending = "done"
        replied, give_up = False, inf
        while True:
            message = _receive(self._client.get_iopub_msg, _TICK)
            if message is not None and _answers(message, request) and _collect(message, output):
                return why
            if not replied and self._has_replied(request):
                replied, give_up = True, monotonic() + _LAST_WORD
            if not self.alive:
                return "died"
            if monotonic() > give_up:
                # After a reply, the last word can only be lost with a message that was too large to be taken.
                return "too much output" if replied else "killed"
            if why == "done" and not replied:
                why = watch.look(output)
                if why in GONE:
                    return why
                if why != "done":
                    self._interrupt()
                    give_up = monotonic() + _GRACE

    def _has_replied(self, request: str) -> bool:
        """Take what is there on the channels of requests, and look for the reply to this one."""
        while _receive(self._client.get_control_msg, 0):
            pass
        while message := _receive(self._client.get_shell_msg, 0):
            if _answers(message, request):
                return True
        return False

    def _interrupt(self) -> None:
        self._client.control_channel.send(self._client.session.msg("interrupt_request", {}))


class Stillborn(Unavailable):
    """The kernel ended before it answered."""


class _NoKernelError(Exception):
    """What is at the other end does not speak as a kernel: it is gone, or the code has taken its place."""


def _receive(get: Callable[..., Any], seconds: float) -> dict[str, Any] | None:
    """A message, None if none comes in time."""
    try:
        message: dict[str, Any] = get(timeout=seconds)
    except Empty:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise _NoKernelError from error
    return message


def _answers(message: dict[str, Any], request: str) -> bool:
    return bool(message["parent_header"].get("msg_id") == request)


def _collect(message: dict[str, Any], output: Output) -> bool:
    """Add a message to the output; whether it says that the request is over."""
    kind, content = message["msg_type"], message["content"]
    try:
        output.add(kind, content)
        return bool(kind == "status" and content["execution_state"] == "idle")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _NoKernelError from error


class _Watch:
    """What is looked at while code runs: `pid` and all below it, the session's folder `data` and the sockets' one."""

    def __init__(
        self, pid: int, folders: Sequence[Path], limits: Limits, timeout: float, stop: Callable[[], bool]
    ) -> None:
        self._pid = pid
        self._folders = folders
        self._limits = limits
        self._stop = stop
        now = monotonic()
        self._deadline = now + timeout
        self._next_memory = now + _WATCH
        self._next_folder = now + _WATCH_FOLDER
        # Who is above the limit already must be able to run code that deletes files.
        self._room = max(limits.folder_size, self._size(10 * limits.folder_size) + MB)

    def look(self, output: Output) -> Ending:
        """Why the code must stop, or "done" where it may go on."""
        now = monotonic()
        if self._stop():
            return "interrupted"
        if now > self._deadline:
            return "timeout"
        if output.too_large:
            return "too much output"
        if now > self._next_memory:
            self._next_memory = now + _WATCH
            if processes.memory_of(processes.below(self._pid), self._limits.memory) > self._limits.memory:
                return "memory"
        if now > self._next_folder:
            self._next_folder = now + _WATCH_FOLDER
            if self._size(self._room) > self._room:
                return "folder full"
        return "done"

    def _size(self, most: int) -> int:
        return sum(processes.folder_size(folder, most) for folder in self._folders)


def leave_thread() -> None:
    """Close the event loop that jupyter_client made for this thread, if it did, once no kernel runs in it any more."""
    with suppress(RuntimeError):  # there is none
        asyncio.get_event_loop().close()
