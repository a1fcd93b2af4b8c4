"""Fifty conversations on several ranks and on one process: `python -m benchmarks.ranks_agree --ranks 2`.

The embedded model, temperature 0, two turns each with whole answers. Prints how many conversations have the same
tokens, and by how much the log probabilities differ that the two give to all of them.
"""

import argparse
import tempfile
from pathlib import Path

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.torch.generator import TorchGenerator
from gptoss.engine.harmony import Harmony
from tests.backends.ranks import together
from tests.backends.test_parallel import SUBJECTS, TURNS, converse


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = materialise(Path(folder))
        harmony = Harmony.load(Path(folder))
        one = TorchGenerator(checkpoint, device="cpu")
        same = tokens = 0
        differences: list[float] = []
        with together(arguments.ranks) as ranks:
            many = ranks.open(checkpoint)
            for opening in [turn.format(subject) for turn in TURNS for subject in SUBJECTS]:
                said = [
                    converse(harmony, generator, opening, "What is my name?", most=None) for generator in (many, one)
                ]
                same += said[0] == said[1]
                tokens += len(said[0])
                pairs = zip(many.score(said[0]), one.score(said[0]), strict=True)
                differences += [abs(mine.logprob - theirs.logprob) for mine, theirs in pairs]
            many.close()
    mean, most = sum(differences) / len(differences), max(differences)
    print(
        f"{arguments.ranks} ranks: {same} of 50 conversations ({tokens} tokens) are the same; log probabilities differ "
        f"by {mean:.7f} on average and {most:.6f} at most"
    )


if __name__ == "__main__":
    main()
