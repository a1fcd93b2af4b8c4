"""The kernel of a session, started when it is needed, and whether it has the variables that the model believes in."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

from gptoss.tools.python import texts
from gptoss.tools.python.cells import Cell
from gptoss.tools.python.kernel import GONE, Ending, Kernel, Stillborn
from gptoss.tools.python.limits import Limits
from gptoss.tools.python.output import Output
from gptoss.tools.python.sandbox import Sandbox

Stop = Callable[[], bool]

_DYING = (0.2, 0.5, 1.0, 2.0)
"""Seconds to wait for what a kernel has left behind: killed processes count against the limit until they are gone."""


class Notebook:
    """`timeout` is for one call, in seconds, and for all that is run again when variables are restored.

    With `restore`, lost variables are restored by running the successful cells again, which `get_code` reads; without
    it, or if that fails as a whole, the model is told of the loss.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        data: Path,
        limits: Limits,
        *,
        timeout: float,
        restore: bool,
        get_code: Callable[[Cell], str],
    ) -> None:
        self._sandbox = sandbox
        self._data = data
        self._limits = limits
        self._timeout = timeout
        self._restore = restore
        self._get_code = get_code
        self._kernel: Kernel | None = None
        self._ran: list[Cell] = []
        self._loss_is_known = False
        self._had_kernel = False

    def prepare(self, cells: list[Cell], stop: Stop) -> str:
        """See that the kernel has run these cells and no others; what the model must know if that cannot be.

        Raises Unavailable.
        """
        if self._kernel is not None and self._kernel.alive and self._ran == cells:
            return ""
        known, self._loss_is_known = self._loss_is_known, False
        self._renew(cells, stop)
        if not cells or known:
            return ""
        return self._run_again(cells, stop) if self._restore else texts.RESTARTED

    def run(self, code: str, output: Output, stop: Stop) -> tuple[Ending, int]:
        """Run code in the kernel that `prepare` saw to (see `Kernel.execute`)."""
        if self._kernel is None:
            return "died", 0
        ending, left = self._kernel.execute(code, output, self._timeout, stop)
        # The result of a call that the user stopped is not recorded, so nobody reads that the kernel is gone.
        self._loss_is_known = ending in GONE and not stop()
        return ending, left

    def record(self, cell: Cell) -> None:
        """The call that was run last will be part of the branch."""
        self._ran.append(cell)

    def close(self) -> None:
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None

    def _renew(self, cells: list[Cell], stop: Stop) -> Kernel:
        self.close()
        waits = iter(_DYING if self._had_kernel else ())
        while True:
            try:
                self._kernel = kernel = Kernel(self._sandbox, self._data, self._limits)
            except Stillborn:
                if stop() or (seconds := next(waits, None)) is None:
                    raise
                sleep(seconds)
            else:
                self._ran, self._had_kernel = list(cells), True
                return kernel

    def _run_again(self, cells: list[Cell], stop: Stop) -> str:
        kernel, failed = self._kernel, 0
        deadline = monotonic() + self._timeout
        for cell in cells:
            if cell.succeeded and kernel is not None and not stop():
                output = Output()
                ending, _ = kernel.execute(self._get_code(cell), output, deadline - monotonic(), stop)
                if ending in GONE or ending == "timeout":
                    self._renew(cells, stop)
                    return texts.RESTARTED
                failed += ending != "done" or output.failed
        return texts.RESTORED + (f"\n{texts.restore_failed(failed)}" if failed else "")
