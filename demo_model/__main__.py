"""The whole recipe: write conversations, train, ship, check.

python -m demo_model --seconds 1000
"""

import argparse
import shutil
from pathlib import Path

from demo_model import dataset, evaluate, train
from gptoss.backends.demo.materialise import SHIPPED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, default=Path("build/demo_model"), help="folder for what is made on the way"
    )
    parser.add_argument("--seconds", default="1000", help="of training")
    parser.add_argument("--begin-from", help="a shipped file to go on from")
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    data, trained = options.work / "conversations.npz", options.work / "trained"
    if not data.exists():
        dataset.main(["--out", str(data), "--seed", options.seed])
    begin = ["--begin-from", options.begin_from] if options.begin_from else []
    train.main(
        ["--data", str(data), "--out", str(trained), "--seconds", options.seconds, "--seed", options.seed, *begin]
    )
    shutil.copyfile(trained / "demo.safetensors", SHIPPED)
    evaluate.main([])
    evaluate.main(["--temperature", "1"])


if __name__ == "__main__":
    main()
