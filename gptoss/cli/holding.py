"""Who writes to the branch that a chat goes on with."""

from gptoss.engine.ports import EventLog, Lease


class Hold:
    """The right to write, which moves with the chat from branch to branch; `take_over` is meant for the first one."""

    def __init__(self, log: EventLog, *, take_over: bool) -> None:
        self._log = log
        self._take_over = take_over
        self._held: tuple[str, Lease] | None = None

    def has(self, branch: str) -> bool:
        """Whether that branch is held, and was all the time."""
        return self._held is not None and self._held[0] == branch and not self._held[1].lost

    def move(self, branch: str) -> None:
        """Hold that branch, and no other one. May raise BranchBusy."""
        if self._held is not None:
            self._held[1].release()
            self._held, self._take_over = None, False
        self._held = branch, self._log.acquire(branch, take_over=self._take_over)
