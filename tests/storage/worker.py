"""What the tests run in other processes: `python -m tests.storage.worker COMMAND DATABASE ...`.

Each line on stdout says something that the log has acknowledged.
"""

import sys
from pathlib import Path

from gptoss.engine.errors import HeadConflict
from gptoss.engine.events import TokensSampled
from gptoss.storage.opening import open_log
from gptoss.storage.sqlite import dbapi
from tests.contracts.event_log import SETTINGS, says


def contend(path: str, branch: str, name: str, count: int) -> None:
    """Append `count` messages, each until it is stored: prints the seq and the text of each."""
    log = open_log(path)
    conflicts = 0
    seq = log.branch(branch).head
    for number in range(count):
        text = f"{name} {number}"
        while True:
            try:
                (stored,) = log.append(branch, seq, [says(text)], durable=number % 10 == 0)
            except HeadConflict as conflict:
                conflicts += 1
                seq = conflict.actual
            else:
                seq = stored.seq
                say(seq, text)
                break
    log.close()
    print(f"{conflicts} conflicts", file=sys.stderr)


def append_for_ever(path: str, branch: str) -> None:
    """Append batches of tokens and messages until killed: prints the last seq of each append."""
    log = open_log(path)
    seq = log.branch(branch).head
    while True:
        say(log.append(branch, seq, [TokensSampled(ids=(seq, 7))], durable=False)[-1].seq)
        stored = log.append(branch, seq + 1, [says(f"after {seq + 1}"), says(f"after {seq + 2}")])
        seq = stored[-1].seq
        say(seq)


def create(path: str, name: str) -> None:
    """Open a database that may not exist yet, and start a session in it: prints the session's id."""
    log = open_log(path)
    say(log.start(name, SETTINGS).id)
    log.close()


def hold(path: Path) -> None:
    """Hold the write lock until stdin ends."""
    connection = dbapi.connect(str(path), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    say("locked")
    sys.stdin.read()


def acquire(path: str, branch: str) -> None:
    """Hold the lease of a branch until stdin ends."""
    log = open_log(path)
    with log.acquire(branch):
        say("acquired")
        sys.stdin.read()
    log.close()


def say(*words: object) -> None:
    print(*words, flush=True)


def main(command: str, path: str, *arguments: str) -> None:
    if command == "contend":
        branch, name, count = arguments
        contend(path, branch, name, int(count))
    elif command == "append":
        append_for_ever(path, *arguments)
    elif command == "create":
        create(path, *arguments)
    elif command == "acquire":
        acquire(path, *arguments)
    elif command == "hold":
        hold(Path(path))
    else:
        sys.exit(f"no command {command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
