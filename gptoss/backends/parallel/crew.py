"""Rank 0's side of the sockets: it gives orders, and notices at once when somebody is gone."""

import os
import secrets
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import NamedTuple, Protocol

from gptoss.backends.parallel.wire import Broken, Channel, Frame, Hello, Leave, Trouble
from gptoss.backends.parallel.world import World
from gptoss.engine.errors import BackendError, RankDrifted, RankLost

WHERE, SECRET = "where", "secret"
"""What the ranks find at their meeting point: the address of rank 0, and what to say there."""

SYNC = 5.0
"""Seconds that ranks may lie apart when one of them fails."""

GRACE = 8.0
"""Seconds that rank 0 has to leave in good order once a rank is gone."""

AFTER = "nothing that was said is lost: start again, on any number of ranks"


class Store(Protocol):
    """As in torch.distributed."""

    def set(self, key: str, value: str) -> None: ...

    def get(self, key: str) -> bytes: ...


class Member(NamedTuple):
    """One of the other ranks."""

    rank: int
    name: str
    computes: str
    commands: Channel
    lifeline: Channel


class Crew:
    """All other ranks. `lost` says why they are of no use any more.

    When that happens `abort` is called, from another thread, and the process gets SIGTERM, which it answers as if the
    user's window had been closed: in good order. If it has not left after `GRACE` seconds, it says why and ends.
    """

    def __init__(self, world: World, store: Store, computes: str, complain: Callable[[str], None]) -> None:
        """Wait for the others. BackendError if they compute elsewhere than this rank does."""
        self.abort: Callable[[], None] = lambda: None
        self._complain = complain
        self._parent = os.getppid()
        self.lost: RankLost | RankDrifted | None = None
        self._told = False
        self._models = 0
        self._timer: threading.Timer | None = None
        self._over = False
        self._troubled: dict[int, str] = {}
        self._since = 0.0
        self._trouble = threading.Condition()
        self._sending = threading.Lock()
        self.members = _meet(world, store, computes)
        self._watching = threading.Thread(target=self._watch, name="lifelines", daemon=True)
        self._watching.start()

    def number(self) -> int:
        """A name for a model that no other one had."""
        self._models += 1
        return self._models

    def tell(self, frame: Frame) -> None:
        """Give an order to all. Raises what `check` does."""
        self.check()
        self.say(frame)

    def say(self, frame: Frame) -> None:
        """The same to whoever still listens."""
        with self._sending:
            for member in self.members:
                with suppress(Broken):  # the watch sees to it
                    member.commands.send(frame)

    def answer(self, member: Member) -> Frame:
        """The next reply; it is waited for as long as the rank lives."""
        try:
            return member.commands.receive()
        except Broken:
            with self._trouble:
                self._trouble.wait_for(lambda: self.lost is not None, SYNC)
            self.check()
            raise RankLost(f"{member.name} hung up; {AFTER}") from None

    def check(self) -> None:
        """Raise what has happened to the ranks, if anything."""
        if self._over:
            raise RankLost(f"the other ranks have left; {AFTER}")
        if self.lost is not None:
            self._told = True
            raise self.lost

    def all_failed(self) -> bool:
        """Whether the others failed too, when this rank has just failed: then nobody waits for anybody."""
        with self._trouble:
            everybody = self._trouble.wait_for(
                lambda: len(self._troubled) == len(self.members) or self.lost is not None, SYNC
            )
            self._troubled.clear()
        return everybody and self.lost is None

    def fail(self, reason: RankLost | RankDrifted) -> None:
        """The ranks are of no use any more."""
        with self._trouble:
            if self._over or self.lost is not None:
                return
            self.lost = reason
            self._trouble.notify_all()
        self._dismiss()
        threading.Thread(target=self.abort, name="abort", daemon=True).start()
        self._timer = threading.Timer(GRACE, self._end)
        self._timer.daemon = True
        self._timer.start()
        os.kill(os.getpid(), signal.SIGTERM)

    def explain(self) -> None:
        """Say why the ranks are lost, unless that was raised and so said already."""
        if self.lost is not None and not self._told:
            self._told = True
            self._complain(str(self.lost))

    def _end(self) -> None:
        self.explain()
        os._exit(1)

    def leave(self) -> None:
        """Send everybody home."""
        self._over = True
        self._dismiss()
        if self._timer is not None:
            self._timer.cancel()

    def close(self) -> None:
        """Close the connections, after `leave`. Whoever has not read its goodbye takes this for a crash."""
        self._watching.join()
        for member in self.members:
            member.commands.close()
            member.lifeline.close()

    def _dismiss(self) -> None:
        for member in self.members:
            with suppress(Broken):
                member.lifeline.send(Leave())

    def _watch(self) -> None:
        with selectors.DefaultSelector() as selector:
            for member in self.members:
                selector.register(member.lifeline, selectors.EVENT_READ, member)
            while not self._over and self.lost is None:
                for key, _ in selector.select(timeout=0.5):
                    self._hear(key.data)
                self._compare()
                if os.getppid() != self._parent:  # torchrun is gone
                    self._parent = os.getppid()
                    os.kill(os.getpid(), signal.SIGTERM)

    def _hear(self, member: Member) -> None:
        try:
            frame = member.lifeline.receive(SYNC)
        except Broken:
            self.fail(RankLost(f"{member.name} is gone, and no rank can go on without it; {AFTER}"))
            return
        if not isinstance(frame, Trouble):
            return
        if frame.kind == "asked":
            os.kill(os.getpid(), signal.SIGTERM)
        elif frame.kind == "drifted":
            self.fail(RankDrifted(f"{member.name} {frame.problem}; {AFTER}"))
        else:
            with self._trouble:
                self._troubled[member.rank] = f"{member.name} failed: {frame.problem}"
                self._since = time.monotonic()
                self._trouble.notify_all()

    def _compare(self) -> None:
        """A rank that alone has failed leaves the others waiting."""
        with self._trouble:
            alone = next(iter(self._troubled.values()), None)
            if alone is None or time.monotonic() - self._since < SYNC:
                return
        self.fail(RankLost(f"{alone}; {AFTER}"))


def _meet(world: World, store: Store, computes: str) -> list[Member]:
    """Take the connections of all other ranks, in their order."""
    secret = secrets.token_hex(16)
    found: dict[int, dict[str, tuple[Hello, Channel]]] = {}
    with (
        socket.create_server(("127.0.0.1" if world.is_local else "", 0), backlog=2 * world.size) as listener,
        ExitStack() as unless_all_come,
    ):
        store.set(SECRET, secret)
        store.set(WHERE, f"{'127.0.0.1' if world.is_local else world.address}:{listener.getsockname()[1]}")
        listener.settimeout(0.5)  # seconds
        parent = os.getppid()
        while sum(map(len, found.values())) < 2 * (world.size - 1):
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                if os.getppid() != parent:
                    raise BackendError("torchrun is gone: start again") from None
                continue
            channel = Channel(connection)
            unless_all_come.callback(channel.close)
            try:
                hello = channel.receive(SYNC)
            except Broken:
                channel.close()
                continue
            if not isinstance(hello, Hello) or not secrets.compare_digest(hello.secret, secret):
                channel.close()  # nobody of ours
                continue
            if hello.problem:
                raise BackendError(f"{_name(hello)} cannot take part: {hello.problem}")
            found.setdefault(hello.rank, {})[hello.purpose] = hello, channel
        members = []
        for rank, connections in sorted(found.items()):
            hello, commands = connections["commands"]
            members.append(Member(rank, _name(hello), hello.computes, commands, connections["lifeline"][1]))
        for member in members:
            if member.computes != computes:
                raise BackendError(
                    f"rank 0 computes on {computes} and {member.name} on {member.computes}: give every rank a GPU, "
                    "or hide the GPUs from all with CUDA_VISIBLE_DEVICES="
                )
        unless_all_come.pop_all()
    return members


def _name(hello: Hello) -> str:
    return f"rank {hello.rank} (process {hello.pid} on {hello.host})"
