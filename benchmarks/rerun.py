"""Ask a long session again: `python -m benchmarks.rerun --turns 50`.

Records a session of the embedded model with the real Python tool, in which answers are interrupted or left in the
middle, caches are cold, turns are undone and taken elsewhere (kills are `benchmarks.survive`). Then every generation of
every branch is sampled once more, and every token must come out as it was recorded.
"""

import argparse
import random
import tempfile
from contextlib import closing
from pathlib import Path

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.branching import undo
from gptoss.engine.conversation import Conversation, next_step
from gptoss.engine.events import ToolCalled
from gptoss.engine.generations import recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import EventLog
from gptoss.engine.rerunning import rerun
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.verification import verify
from gptoss.storage.opening import open_log
from gptoss.tools.python.texts import SPEC
from gptoss.tools.python.tool import PythonTool

QUESTIONS = (
    "What is {a} * {b}?",
    "My name is {name}.",
    "What is my name?",
    "What is the capital of {country}?",
    "How do I export a session?",
    "Add {a} to the result.",
    "Hello!",
)
NAMES = ("Ada", "Grace", "Alan", "Barbara", "Edsger")
COUNTRIES = ("France", "Peru", "Japan", "Kenya", "Norway")


class Recorder:
    """Turns with mishaps, each drawn by `dice`."""

    def __init__(self, log: EventLog, harmony: Harmony, checkpoint: Path, files: Path, dice: random.Random) -> None:
        self._log = log
        self._harmony = harmony
        self._checkpoint = checkpoint
        self._dice = dice
        self._tool = PythonTool(files, put_blob=log.put_blob, get_blob=log.get_blob)
        self._generator = TorchGenerator(checkpoint, device="cpu")
        self.counts = dict.fromkeys(("interrupted", "left", "cold", "undone"), 0)

    def close(self) -> None:
        self._tool.close()
        self._generator.close()

    def turn(self, name: str) -> None:
        dice = self._dice
        if dice.random() < 0.2:
            self._generator.close()
            self._generator = TorchGenerator(self._checkpoint, device="cpu")
            self.counts["cold"] += 1
        text = dice.choice(QUESTIONS).format(
            a=dice.randint(2, 99), b=dice.randint(2, 99), name=dice.choice(NAMES), country=dice.choice(COUNTRIES)
        )
        mishap = dice.choice(("none", "none", "interrupted", "left"))
        after = dice.randint(3, 60)
        if not self._say(name, text, mishap, after):
            self.counts[mishap] += 1
            while self._unfinished(name):
                self._say(name, None, "none", 0)
        if dice.random() < 0.1:
            undo(self._log, self._log.session(name))
            self.counts["undone"] += 1

    def _say(self, name: str, text: str | None, mishap: str, after: int) -> bool:
        """Whether the turn came to its end."""
        seen = 0
        conversation = self._open(name, lambda: mishap == "interrupted" and seen >= after)
        try:
            for _ in conversation.proceed() if text is None else conversation.say(text):
                seen += 1
                if mishap == "left" and seen >= after:
                    return False  # whoever watched went away, a closed pipe or an error on the screen
        finally:
            conversation.close()
        return next_step(conversation.state) is None

    def _unfinished(self, name: str) -> bool:
        with closing(self._open(name, lambda: False)) as conversation:
            return next_step(conversation.state) is not None

    def _open(self, name: str, cancelled: object) -> Conversation:
        return Conversation(
            self._log,
            self._log.session(name).branch,
            harmony=self._harmony,
            generator=self._generator,
            seed=lambda: self._dice.getrandbits(32),
            sampling=Sampling(temperature=1.0),
            tools={"python": self._tool},
            cancelled=cancelled,  # type: ignore[arg-type]
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        harmony = Harmony.load(folder)
        checkpoint = materialise(folder)
        log = open_log(folder / "rerun.db")
        session = log.start("long", Settings(start_date="2026-01-02", tools=(SPEC,)))
        recorder = Recorder(log, harmony, checkpoint, folder / "files", random.Random(arguments.seed))
        try:
            for _ in range(arguments.turns):
                recorder.turn("long")
        finally:
            recorder.close()
        print(", ".join(f"{count} {what}" for what, count in recorder.counts.items()))
        generator = TorchGenerator(checkpoint, device="cpu")
        generations = tokens = different = calls = 0
        for branch in log.branches(session.id):
            history = list(log.read(branch.id))
            if drift := verify(history, harmony).drift:
                print(f"branch {branch.name} does not verify: {drift}")
            calls += sum(isinstance(stored.event, ToolCalled) for stored in history)
            for run in rerun(recorded_generations(history, harmony), generator):
                generations += 1
                tokens += run.tokens
                different += run.difference is not None
                if run.difference:
                    print(f"branch {branch.name}, event {run.generation.seq}: {run.difference}")
        branches = len(log.branches(session.id))
        print(
            f"{arguments.turns} turns on {branches} branches, {calls} tool calls: {generations} generations of "
            f"{tokens} tokens sampled again, {different} differ"
        )
        generator.close()
        log.close()


if __name__ == "__main__":
    main()
