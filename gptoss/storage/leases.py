"""Who writes to a branch: a courtesy among processes, so that a second one learns of the first before it says anything.

A lease names its process and is renewed while that lives. Whoever finds a lease whose holder is dead (on this host: the
process is gone; on another: it was not renewed for a while) takes it over by itself. What guards a branch is that an
append must follow its head; nothing is lost when two processes write to it, lease or not.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from gptoss.engine.errors import StorageError

RENEW_SECONDS = 20.0


class HeldLease:
    """A `Lease` (see `gptoss.engine.ports`), renewed by a thread of its own until it is released."""

    def __init__(self, renew: Callable[[], bool], release: Callable[[], None]) -> None:
        """`renew` says whether the lease is still this one's."""
        self._renew = renew
        self._release = release
        self._over = threading.Event()
        self.lost = False
        self._thread = threading.Thread(target=self._keep, name="gptoss-lease", daemon=True)
        self._thread.start()

    def __enter__(self) -> "HeldLease":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Let go; a second time changes nothing. A lease that cannot be written is left to grow stale."""
        if self._over.is_set():
            return
        self._over.set()
        self._thread.join()
        with suppress(StorageError):
            self._release()

    def _keep(self) -> None:
        while not self._over.wait(RENEW_SECONDS):
            with suppress(StorageError):  # a disk that is full now may not be so the next time
                if not self._renew():
                    self.lost = True
                    return
