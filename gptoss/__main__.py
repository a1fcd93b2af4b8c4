"""`python -m gptoss` and the command `gptoss`."""

import os
import sys


def main() -> None:
    try:
        if "RANK" in os.environ and "WORLD_SIZE" in os.environ:  # torchrun started this process
            from gptoss.cli.ranks import run
        else:
            from gptoss.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after `run` could see to it
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
