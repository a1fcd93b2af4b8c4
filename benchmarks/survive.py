"""Kill `gptoss chat` at random moments, many times: `python -m benchmarks.survive --kills 200`.

Each trial asks one question with its own seed, kills the process again and again while it answers and lets another one
go on; see `tests.survival`. Prints the number of kills, of tokens, and of answers that differ from an undisturbed run.
"""

import argparse
import random
import tempfile
from pathlib import Path

from tests.survival import Program, tokens_of, trial

QUESTIONS = [
    "My name is Ada. What can you do?",
    "How do I export a session?",
    "What is the capital of France?",
    "Tell me about yourself.",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="stop after so many kills")
    parser.add_argument("--most", type=int, default=12, help="kills of one answer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="default: the embedded model")
    parser.add_argument("--max-tokens", type=int, default=400)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    checkpoint = ["--checkpoint", str(arguments.checkpoint)] if arguments.checkpoint else []
    kills = tokens = different = trials = 0
    with tempfile.TemporaryDirectory() as home:
        while kills < arguments.kills:
            question = QUESTIONS[trials % len(QUESTIONS)]
            options = ["--seed", str(trials), "--temperature", "1", "--reasoning-effort", "high"]
            program = Program(Path(home), *checkpoint, *options, "--max-tokens", str(arguments.max_tokens))
            program.finish(f"calm {trials}", question)
            expected = tokens_of(program.history(f"calm {trials}"))
            result = trial(program, f"killed {trials}", question, expected, arguments.most, dice)
            kills += result.kills
            tokens += result.tokens
            different += not result.same
            trials += 1
            print(f"trial {trials}: {result.kills} kills, {result.tokens} tokens, same: {result.same}", flush=True)
    print(f"{kills} kills in {trials} answers of {tokens} tokens; {different} answers differ from an undisturbed run")


if __name__ == "__main__":
    main()
