"""What the tests run in other processes: `python -m tests.storage.worker COMMAND DATABASE ...`.

Each line on stdout says something that the log has acknowledged.
"""

import sys
import time
from pathlib import Path

from gptoss.engine.errors import HeadConflict
from gptoss.engine.events import TokensSampled
from gptoss.engine.searching import SearchRequest, parse_query
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


def maintain(path: str) -> None:
    """Append, redact, search, collect, delete, fork and repair until killed; say what has been done."""
    log = open_log(path)
    session = log.session("ada")
    seq = log.branch(session.branch).head
    said: list[int] = []
    say("ready")
    while True:
        (stored,) = log.append(session.branch, seq, [says(f"number {seq + 1} of whales")])
        seq = stored.seq
        said.append(seq)
        say("appended", seq)
        match len(said) % 6:
            case 1:
                log.redact(session.branch, said[-1])
                say("redacted", said[-1])
            case 2:
                log.search(SearchRequest(query=parse_query("whales")))
            case 3:
                log.collect(thorough=len(said) % 12 == 3)
            case 4:
                gone = log.start(f"gone {seq} {time.time_ns()}", SETTINGS)
                log.append(gone.branch, 1, [says("soon gone")])
                log.delete(gone.id)
                say("deleted", gone.id)
            case 5:
                log.fork(session.branch, seq)
            case 0:
                log.repair()
        seq = log.branch(session.branch).head


def migrate(path: str) -> None:
    """Say when all is loaded, and then open a database of an older schema."""
    import alembic.command  # noqa: F401  so that the kill comes while it works

    from gptoss.storage import migrating, sql  # noqa: F401

    say("ready")
    open_log(path).close()
    say("migrated")


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
    elif command == "maintain":
        maintain(path)
    elif command == "migrate":
        migrate(path)
    elif command == "hold":
        hold(Path(path))
    else:
        sys.exit(f"no command {command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
