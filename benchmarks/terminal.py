"""What the terminal costs: `python -m benchmarks.terminal`.

Two questions, on a pseudo-terminal of its own with a scripted model that writes 200 tokens a second:

- From Enter to the first character that can be seen: how much of that is ours, beside what the model takes for it?
  `gptoss chat` as a process, a warm model, a message a turn.
- An answer in Markdown through a conversation: how much more of the processor does a token take when it is shown on the
  terminal than when it is shown nowhere? In turns, within one process, as a share of the 5 ms that a token takes.
"""

import json
import os
import pty
import statistics
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fcntl import ioctl
from pathlib import Path

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.display import Display
from gptoss.cli.main import run
from gptoss.cli.output import Output
from gptoss.cli.watching import watch
from gptoss.engine.conversation import Conversation
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import Cancelled, TokenChunk, TokenGenerator
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.updates import Update
from gptoss.storage.opening import open_log
from tests.engine.harmony_text import tokens

RATE = 200
"""Tokens a second."""

TURNS = 20
ROUNDS = 9
COLUMNS, LINES = 100, 30
TEXT = Path(__file__).parent.parent / "docs" / "events.md"
"""Paragraphs, lists, tables and code."""

TIMES, DATABASE = "BENCHMARK_TIMES", "BENCHMARK_DATABASE"
READY = b"\x1b[?2004h"
"""What the prompt sends when it is ready for keys."""


class Steady(ScriptedGenerator):
    """A scripted model that writes at a steady rate, and notes when it was asked and when it drew its fourth token.

    A message's first three tokens say what kind it is. The fourth is the first of its text.
    """

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        begun, count = time.monotonic(), 0
        for chunk in super().generate(prompt, sampling, stop_ids, cancelled):
            count += len(chunk.ids)
            time.sleep(max(begun + count / RATE - time.monotonic(), 0))
            if count == 4 and chunk.ids and TIMES in os.environ:
                with Path(os.environ[TIMES]).open("a") as file:
                    file.write(f"{time.monotonic() - begun}\n")
            yield chunk


def reply(harmony: Harmony, text: str) -> list[int]:
    return tokens(harmony, f"<|channel|>final<|message|>{text}<|return|>")


class Warm(Adapters):
    """The real adapters with that model."""

    def generator(self, checkpoint: str | None, backend: str) -> TokenGenerator:
        harmony = self.harmony()
        return Steady([reply(harmony, "Wonderful, thank you for asking.")] * (TURNS + 1))


def chat() -> int:
    """The process that is talked with."""
    return run(["chat", "--session", "benchmark"], Warm())


class Nowhere:
    """A screen that shows nothing."""

    def show(self, update: Update) -> None:
        pass

    def end(self) -> None:
        pass

    def pause(self) -> None:
        pass


def printing() -> int:
    """The process that shows answers in turns on the terminal and nowhere: the processor's seconds of each."""
    harmony = Harmony.load(Path(tempfile.gettempdir()))
    answer = reply(harmony, TEXT.read_text(encoding="utf-8"))[:1000]
    times: dict[str, list[float]] = {"terminal": [], "nowhere": []}
    out = Output(sys.stdout)
    with tempfile.TemporaryDirectory() as folder:
        log = open_log(Path(folder) / "log.db")
        for number in range(2 * ROUNDS + 2):
            shown = number % 2 == 0
            branch = log.start(f"round {number}", Settings(start_date="2026-01-02", context=100_000)).branch
            model = Steady([answer])
            conversation = Conversation(log, branch, harmony=harmony, generator=model, seed=lambda: 1)
            screen = Display(out, out, is_live=True) if shown else Nowhere()
            before = time.process_time()
            watch(conversation.say("Tell me everything."), screen)
            if number > 1:  # the first two make what is made once
                times["terminal" if shown else "nowhere"].append((time.process_time() - before) / len(answer))
            conversation.close()
    Path(os.environ[TIMES]).write_text(json.dumps(times))
    return 0


class Terminal:
    """A pseudo-terminal with one of the two processes, and what it has shown."""

    def __init__(self, what: str, times: Path, home: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GPTOSS_")}
        environment = kept | {
            "TERM": "xterm-256color",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            "GPTOSS_HOME": str(home),
            TIMES: str(times),
        }
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            os.execve(sys.executable, [sys.executable, "-m", "benchmarks.terminal", what], environment)
        ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._shown = b""
        self._seen = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def press(self, keys: str) -> None:
        with self._seen:
            self._shown = b""
        os.write(self._file, keys.encode())

    def wait(self, what: bytes) -> float:
        """When it had been shown."""
        with self._seen:
            if not self._seen.wait_for(lambda: what in self._shown, 60):
                raise TimeoutError(f"{what!r} was not shown, but {self._shown!r}")
        return time.monotonic()

    def processor(self) -> float:
        """The processor's seconds that the process has had, all its threads together."""
        tasks = Path(f"/proc/{self._pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9

    def end(self) -> None:
        os.waitpid(self._pid, 0)
        os.close(self._file)

    def _read(self) -> None:
        try:
            while data := os.read(self._file, 65536):
                with self._seen:
                    self._shown += data
                    self._seen.notify_all()
        except OSError:  # the process has ended
            pass


def measured_latency(folder: Path) -> list[tuple[float, float]]:
    """Milliseconds of our own from Enter to the first character of an answer, and the processor's of them, by turns."""
    times = folder / "latency"
    terminal = Terminal("chat", times, folder / "home")
    whole, processor = [], []
    terminal.wait(READY)
    for _ in range(TURNS + 1):
        terminal.press("How are you?")
        time.sleep(0.3)  # a person takes longer
        begun, computed = time.monotonic(), terminal.processor()
        terminal.press("\r")
        whole.append(terminal.wait(b"Wonder") - begun)
        processor.append(terminal.processor() - computed)
        terminal.wait(READY)
    terminal.press("\x04")
    terminal.end()
    models = [float(line) for line in times.read_text().split()]
    ours = [1000 * (taken - model) for taken, model in zip(whole, models, strict=True)]
    return list(zip(ours, (1000 * seconds for seconds in processor), strict=True))[1:]


def measured_printing(folder: Path) -> dict[str, list[float]]:
    """The processor's seconds a token, round by round."""
    times = folder / "printing"
    terminal = Terminal("printing", times, folder / "home")
    terminal.end()
    found: dict[str, list[float]] = json.loads(times.read_text())
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        turns = measured_latency(Path(folder))
        latency = sorted(ours for ours, _ in turns)
        print(
            f"from Enter to the first character, beside the model's own time: {statistics.median(latency):.1f} ms "
            f"(median of {len(latency)} turns, {latency[0]:.1f} to {latency[-1]:.1f}), of which the processor works "
            f"{statistics.median(processor for _, processor in turns):.1f} ms"
        )
        times = measured_printing(Path(folder))
        differences = [1000 * (shown - not_) for shown, not_ in zip(times["terminal"], times["nowhere"], strict=True)]
        share = statistics.median(differences) / (1000 / RATE)
        for where, seconds in times.items():
            print(f"{where}: {1000 * statistics.median(seconds):.3f} ms of the processor a token")
        print(
            f"showing takes {statistics.median(differences):.3f} ms a token ({min(differences):.3f} to "
            f"{max(differences):.3f}), {share:.1%} of decoding at {RATE} tokens/s"
        )


if __name__ == "__main__":
    PROCESSES: dict[str, Callable[[], int]] = {"chat": chat, "printing": printing}
    if sys.argv[1:]:
        sys.exit(PROCESSES[sys.argv[1]]())
    main()
