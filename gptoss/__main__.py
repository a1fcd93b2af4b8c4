"""`python -m gptoss` and the command `gptoss`."""

import sys


def main() -> None:
    from gptoss.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
