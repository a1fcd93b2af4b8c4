"""Records the histories that later releases must replay: `python -m tests.histories.make FOLDER`, once a release.

Ids and times are new each time, so a folder that is committed is never made again: it is what that release wrote.

    whole.db      all kinds of events, forks, an interrupted and continued answer, a tool that failed, a redaction
    whole.jsonl   the same session as an archive
    damaged.db    a payload was changed behind the log's back: must fail to verify
    drifted.db    a prompt that the engine would not derive: must verify up to there, and no further
    facts.json    what each branch folds to, and where the others fail
"""

import json
import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.branching import fork, switch
from gptoss.engine.conversation import Conversation
from gptoss.engine.events import (
    Artefact,
    ContextTrimmed,
    GenerationStarted,
    MessageAppended,
    SessionRenamed,
    UnknownEvent,
)
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.parsing import TextDelta
from gptoss.engine.ports import EventLog, ToolCall, ToolResult
from gptoss.engine.settings import Settings, ToolSpec
from gptoss.storage.sql import SqlLog
from gptoss.storage.sqlite import dbapi
from gptoss.transcripts.archive import archive
from tests.engine.harmony_text import tokens
from tests.histories.facts import digest
from tests.recorded import ANSWER, CALL, MALFORMED, RESULT

SETTINGS = Settings(start_date="2026-01-31", developer_message="Be brief.", tools=(ToolSpec(name="python"),))


class Python:
    """A tool that keeps a file."""

    spec = ToolSpec(name="python")

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def run(self, call: ToolCall) -> ToolResult:
        digest = self._log.put_blob(b"2\n")
        message = Message(role="tool", name="python", recipient="assistant", channel="analysis", content="2")
        kept = Artefact(digest=digest, name="out.txt", media_type="text/plain", size=2)
        return ToolResult(messages=(message,), artefacts=(kept,))


def converse(log: EventLog, harmony: Harmony, replies: list[str], *texts: str, stop_after: int | None = None) -> None:
    """Say the texts on the current branch; with `stop_after`, the first answer is cut off and continued."""
    shown = 0
    generator = ScriptedGenerator([tokens(harmony, reply) for reply in replies])
    conversation = Conversation(
        log,
        log.session("golden").branch,
        harmony=harmony,
        generator=generator,
        seed=lambda: 7,
        tools={"python": Python(log)},
        cancelled=lambda: shown == stop_after,
    )
    for text in texts:
        for update in conversation.say(text):
            shown += isinstance(update, TextDelta)
        shown = -1
        list(conversation.proceed())
    conversation.close()


def record(log: EventLog, harmony: Harmony) -> None:
    log.start("golden", SETTINGS)
    converse(log, harmony, [ANSWER, ANSWER], "Hello, I am Ada. \U0001f44b", stop_after=2)
    converse(log, harmony, [CALL, RESULT, MALFORMED], "What is 1 + 1?", "And now?")
    session = log.session("golden")
    fork(log, session, log.branch(session.branch).head - 3, "other")
    converse(log, harmony, ["<|channel|>final<|message|>Yes.<|return|>"], "My key is 1234.")
    branch = log.branch(log.session("golden").branch)
    later = UnknownEvent(name="DreamRecorded", schema_version=3, payload='{"of": "sheep"}')
    log.append(
        branch.id, branch.head, [later, SessionRenamed(name="gold"), ContextTrimmed(through=2, dropped_tokens=9)]
    )
    said = (
        s.seq for s in log.read(branch.id) if isinstance(s.event, MessageAppended) and "1234" in s.event.message.content
    )
    log.redact(branch.id, next(said), "a key")
    switch(log, log.session("gold"), "main")


def drift(log: EventLog, harmony: Harmony) -> int:
    """The seq at which the history drifts."""
    log.start("golden", SETTINGS)
    converse(log, harmony, [ANSWER], "Hello")
    branch = log.branch(log.session("golden").branch)
    old = next(s.event for s in log.read(branch.id) if isinstance(s.event, GenerationStarted))
    message = MessageAppended(message=Message(role="user", content="And now?"))
    stored = log.append(branch.id, branch.head, [message, replace(old, prompt_hash="0" * 32)])
    return stored[-1].seq


def facts_of(log: EventLog, name: str) -> dict[str, Any]:
    session = log.session(name)
    return {branch.name: digest(log.read(branch.id)) for branch in log.branches(session.id)}


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    harmony = Harmony.load(folder / "cache")
    with closing(SqlLog(folder / "whole.db")) as log:
        record(log, harmony)
        facts: dict[str, Any] = {"whole": facts_of(log, "gold")}
        (folder / "whole.jsonl").write_text("".join(archive(log, log.session("gold"))), encoding="utf-8")
    shutil.copy(folder / "whole.db", folder / "damaged.db")
    with closing(dbapi.connect(str(folder / "damaged.db"))) as connection:
        connection.execute("UPDATE events SET payload = replace(payload, 'Ada', 'Eve') WHERE seq = 2")
        connection.commit()
    facts["damaged"] = 2
    with closing(SqlLog(folder / "drifted.db")) as log:
        facts["drifted"] = drift(log, harmony)
    (folder / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")
    shutil.rmtree(folder / "cache", ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
