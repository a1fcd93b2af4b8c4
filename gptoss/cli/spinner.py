"""Says that something is under way, until there is something to show."""

import threading

from gptoss.cli.output import Output, OutputClosed

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
INTERVAL = 0.1
PATIENCE = 0.2
"""Seconds before it shows: what takes less needs no word."""


class Spinner:
    """Turns on the line below what was written last, on a terminal; elsewhere it does nothing."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to turn; what is written from now on must be preceded by `stop`."""
        if self._out.is_terminal and self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self._turn, name="gptoss-spinner", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Leave the line as it was found."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def _turn(self) -> None:
        if self._stop.wait(PATIENCE):
            return
        frame = 0
        try:
            while not self._stop.wait(INTERVAL):
                self._out.transient(FRAMES[frame % len(FRAMES)])
                frame += 1
            self._out.transient("")
        except OutputClosed:
            pass  # whoever writes next finds out, too
