"""What every rank but rank 0 does: it takes the steps that it is told to, and leaves when it is told to.

It has no terminal, no log and no tools. A thread of its own listens to the lifeline, so that the rank leaves at once
even while it waits for another one in the middle of a step; and to signals, which are passed on: rank 0 decides.
"""

import os
import selectors
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from gptoss.backends.parallel.crew import SECRET, WHERE, Store
from gptoss.backends.parallel.wire import (
    Begin,
    Broken,
    Channel,
    Close,
    End,
    Frame,
    Hello,
    Leave,
    Open,
    Opened,
    Refused,
    Score,
    Step,
    Trouble,
)
from gptoss.backends.parallel.world import World
from gptoss.engine.errors import GptossError
from gptoss.engine.ports import TokenChunk, TokenGenerator

Opener = Callable[[str, Path], TokenGenerator]
"""(backend, checkpoint) -> this rank's part of the model."""

GRACE = 3.0
"""Seconds to leave in good order."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Follower:
    """One rank. `orphaned` is called when rank 0 is gone without a goodbye."""

    def __init__(self, world: World, store: Store, computes: str, orphaned: Callable[[], None]) -> None:
        """Wait for rank 0 and connect. On the main thread, since it takes the signals over. Broken if rank 0 leaves."""
        self._commands = _connect(world, store, "commands", computes)
        self._lifeline = _connect(world, store, "lifeline", computes)
        self._orphaned = orphaned
        self._parent = os.getppid()
        self._models: dict[int, Model] = {}
        asked, asking = socket.socketpair()
        asking.setblocking(False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)  # what counts is the byte that the system writes for each
        signal.set_wakeup_fd(asking.fileno(), warn_on_full_buffer=False)
        self._asking = asking  # open as long as signals may come
        threading.Thread(target=self._watch, args=(asked,), name="lifeline", daemon=True).start()

    @staticmethod
    def decline(world: World, store: Store, problem: str) -> None:
        """Tell rank 0 why this rank cannot take part."""
        _connect(world, store, "commands", "", problem)

    def follow(self, open_: Opener) -> None:
        """Until rank 0 says goodbye."""
        while True:
            try:
                frame = self._commands.receive()
            except Broken:
                return
            self._obey(frame, open_)

    def _obey(self, frame: Frame, open_: Opener) -> None:
        try:
            if isinstance(frame, Open):
                self._open(frame, open_)
            elif isinstance(frame, Begin | Step | End | Score) and (model := self._models.get(frame.model)):
                self._differs(model.obey(frame))
            elif isinstance(frame, Close) and (model := self._models.pop(frame.model, None)):
                model.generator.close()
        except GptossError as error:
            self._report(Trouble("failed", str(error)))

    def _open(self, order: Open, open_: Opener) -> None:
        try:
            generator = open_(order.backend, Path(order.checkpoint))
        except GptossError as error:
            self._commands.send(Refused(str(error)))
            return
        self._models[order.model] = Model(generator)
        self._commands.send(Opened(generator.fingerprint, generator.arithmetic))

    def _differs(self, problem: str | None) -> None:
        if problem is not None:
            self._report(Trouble("drifted", problem))

    def _report(self, trouble: Trouble) -> None:
        try:
            self._lifeline.send(trouble)
        except Broken:
            self._commands.shut()

    def _watch(self, asked: socket.socket) -> None:
        """Until it is over, one way or another."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._lifeline, selectors.EVENT_READ)
            selector.register(asked, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in selector.select(timeout=0.5)]
                if asked in ready:
                    asked.recv(64)
                    self._report(Trouble("asked"))
                if os.getppid() != self._parent:  # torchrun is gone
                    self._report(Trouble("asked"))
                    self._parent = os.getppid()
                if self._lifeline in ready:
                    break
        try:
            goodbye = isinstance(self._lifeline.receive(GRACE), Leave)
        except Broken:
            goodbye = False
        if not goodbye:
            self._orphaned()
            os._exit(1)
        self._commands.shut()
        timer = threading.Timer(GRACE, os._exit, (0,))
        timer.daemon = True
        timer.start()


class Model:
    """A rank's part of one model, and how far it is with an answer."""

    def __init__(self, generator: TokenGenerator) -> None:
        self.generator = generator
        self._steps: Iterator[TokenChunk] | None = None
        self._last: tuple[int, ...] = ()
        self._drawn = 0
        self._failed = False

    def obey(self, order: Begin | Step | End | Score) -> str | None:
        """Do it. What is wrong, if this rank is not where rank 0 is."""
        if isinstance(order, Score):
            self.generator.score(order.ids, order.start)
            return None
        if isinstance(order, Begin):
            self._steps = self.generator.generate(order.prompt, order.sampling, order.stop_ids, lambda: False)
            self._last, self._drawn, self._failed = (), len(order.prompt), False
            return None
        if self._failed:
            return None  # it was said already
        if order.last != self._last:
            return (
                f"drew {_tokens(self._last)} before position {self._drawn} where rank 0 drew {_tokens(order.last)}: "
                "the ranks' machines do not compute alike"
            )
        if isinstance(order, End) or self._steps is None:
            self._steps = None
            return None
        steps, self._steps, self._failed = self._steps, None, True
        chunk = next(steps, None)
        self._failed = False
        if chunk is not None:
            self._steps, self._last = steps, chunk.ids
            self._drawn += len(chunk.ids)
        return None


def _connect(
    world: World, store: Store, purpose: Literal["commands", "lifeline"], computes: str, problem: str = ""
) -> Channel:
    host, _, port = store.get(WHERE).decode().rpartition(":")
    try:
        channel = Channel(socket.create_connection((host, int(port))))
    except OSError as error:
        raise Broken from error
    secret = store.get(SECRET).decode()
    channel.send(Hello(secret, world.rank, os.getpid(), socket.gethostname(), computes, purpose, problem))
    return channel


def _tokens(ids: tuple[int, ...]) -> str:
    return f"token {', '.join(map(str, ids))}" if ids else "nothing"
