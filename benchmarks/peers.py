"""Other stores of conversations, for `benchmarks/append.py --peers PYTHON`: run by a Python that has them.

    python -m venv peers
    peers/bin/pip install eventsourcing openai-agents langgraph-checkpoint-sqlite llm
    python -m benchmarks.append --peers peers/bin/python

    PYTHON benchmarks/peers.py NAME FOLDER

For every line on stdin, a number N, it stores N messages of 600 bytes one by one, each as its library does it by
default, and prints the seconds that took. langgraph stores the whole conversation each time: it begins a new one of at
most 200 messages now and then, or it would grow slower and slower. This file imports nothing of gptoss.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

TEXT = "x" * 560
LONGEST = 200
"""Messages in a conversation of langgraph."""

Append = Callable[[], None]


def eventsourcing(folder: Path) -> Append:
    from eventsourcing.persistence import StoredEvent
    from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

    recorder = SQLiteApplicationRecorder(SQLiteDatastore(str(folder / "eventsourcing.db")))
    recorder.create_table()
    originator, version, state = uuid4(), 0, TEXT.encode()

    def append() -> None:
        nonlocal version
        version += 1
        recorder.insert_events([StoredEvent(originator, version, "chat:MessageAppended", state)])

    return append


def openai_agents(folder: Path) -> Append:
    from agents.memory import SQLiteSession

    session = SQLiteSession("benchmark", folder / "agents.db")
    loop = asyncio.new_event_loop()
    item: Any = {"role": "user", "content": TEXT}
    return lambda: loop.run_until_complete(session.add_items([item]))


def langgraph(folder: Path) -> Append:
    import sqlite3

    from langgraph.checkpoint.base import empty_checkpoint
    from langgraph.checkpoint.sqlite import SqliteSaver

    saver = SqliteSaver(sqlite3.connect(folder / "langgraph.db", check_same_thread=False))
    saver.setup()
    messages: list[Any] = []
    config: Any = {}

    def append() -> None:
        nonlocal messages, config
        if not messages or len(messages) >= LONGEST:
            messages, config = [], {"configurable": {"thread_id": uuid4().hex, "checkpoint_ns": ""}}
        messages = [*messages, {"role": "user", "content": TEXT}]
        checkpoint = {**empty_checkpoint(), "channel_values": {"messages": messages}}
        config = saver.put(config, checkpoint, {"source": "loop", "step": len(messages)}, {})

    return append


def llm(folder: Path) -> Append:
    import sqlite_utils
    from llm import Model
    from llm.migrations import migrate

    class Silent(Model):
        model_id = "silent"

        def execute(self, *_: Any, **__: Any) -> Any:
            yield "y"

    database = sqlite_utils.Database(folder / "llm.db")
    migrate(database)
    conversation = Silent().conversation()

    def append() -> None:
        response = conversation.prompt(TEXT)
        response.text()
        response.log_to_db(database)
        conversation.responses.clear()

    return append


PEERS = {"eventsourcing": eventsourcing, "openai-agents": openai_agents, "langgraph": langgraph, "llm": llm}


def main(name: str, folder: Path) -> None:
    append = PEERS[name](folder)
    append()
    print("ready", flush=True)
    for line in sys.stdin:
        begun = time.perf_counter()
        for _ in range(int(line)):
            append()
        print(time.perf_counter() - begun, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
