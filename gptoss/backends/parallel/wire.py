"""What rank 0 and the other ranks say to each other, and the sockets that carry it.

Each rank has two connections to rank 0. Commands and their replies go over one, in strict order. The other is its
*lifeline*: nothing but trouble and goodbyes goes over it, and it breaks at once when either side dies.
"""

import socket
import struct
from contextlib import suppress
from typing import Literal

import msgspec
from msgspec import Struct

from gptoss.engine.settings import Sampling

_LENGTH = struct.Struct("!I")


class Hello(Struct, frozen=True, tag=True):
    """The first words on each connection; `secret` was left where only ranks find it. `computes`: "cpu" or "cuda".
    A rank that cannot take part names its `problem`."""

    secret: str
    rank: int
    pid: int
    host: str
    computes: str
    purpose: Literal["commands", "lifeline"]
    problem: str = ""


class Open(Struct, frozen=True, tag=True):
    """Load your part of a checkpoint, which is called `model` from now on. Answered by Opened or Refused."""

    model: int
    backend: str
    checkpoint: str


class Opened(Struct, frozen=True, tag=True):
    fingerprint: str
    arithmetic: str


class Refused(Struct, frozen=True, tag=True):
    problem: str


class Begin(Struct, frozen=True, tag=True):
    """Be ready to generate."""

    model: int
    prompt: tuple[int, ...]
    sampling: Sampling
    stop_ids: frozenset[int]


class Step(Struct, frozen=True, tag=True):
    """Take the next step; `last` is what rank 0 drew in the step before."""

    model: int
    last: tuple[int, ...]


class End(Struct, frozen=True, tag=True):
    """No step comes after the last one."""

    model: int
    last: tuple[int, ...]


class Score(Struct, frozen=True, tag=True):
    model: int
    ids: tuple[int, ...]
    start: int


class Close(Struct, frozen=True, tag=True):
    model: int


class Trouble(Struct, frozen=True, tag=True):
    """On the lifeline, from a rank: "failed" in the middle of something, as rank 0 may have too; "drifted" away from
    what rank 0 does; "asked" to leave by a signal."""

    kind: Literal["failed", "drifted", "asked"]
    problem: str = ""


class Leave(Struct, frozen=True, tag=True):
    """On the lifeline, from rank 0: all is over."""


Frame = Hello | Open | Opened | Refused | Begin | Step | End | Score | Close | Trouble | Leave

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


class Broken(Exception):
    """The other side is gone."""


class Channel:
    """A connection that carries frames."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(connection)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, frame: Frame) -> None:
        """Broken if nobody is there."""
        data = _encode(frame)
        try:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise Broken from error

    def receive(self, timeout: float | None = None) -> Frame:
        """The next frame, when it comes. Broken if there is none any more, or not in so many seconds."""
        try:
            self._socket.settimeout(timeout)
            (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
            frame: Frame = _decode(self._exactly(length))
            self._socket.settimeout(None)
        except (OSError, msgspec.MsgspecError) as error:
            raise Broken from error
        return frame

    def shut(self) -> None:
        """Nothing more will come or go; whoever waits for something, here or there, learns it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, count: int) -> bytes:
        parts, left = [], count
        while left:
            part = self._socket.recv(min(left, 1 << 20))
            if not part:
                raise Broken
            parts.append(part)
            left -= len(part)
        return b"".join(parts)


def _keep_alive(connection: socket.socket) -> None:
    """Notice within 8 seconds that the machine at the other end is gone, although nothing is sent for hours."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 4), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 2)):
        if (option := getattr(socket, name, None)) is not None:  # they have other names elsewhere than on Linux
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
