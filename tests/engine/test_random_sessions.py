"""Whatever happens to a session (tools, forks, crashes, malformed output, trims, redactions and more), it verifies.

`GPTOSS_EXAMPLES=5000` tries more of them than a run of the suite has time for.
"""

import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.branching import fork, switch, undo
from gptoss.engine.conversation import Conversation, next_step
from gptoss.engine.errors import ContextFull
from gptoss.engine.events import MessageAppended, StoredEvent
from gptoss.engine.generations import recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.reducer import fold
from gptoss.engine.rerunning import rerun
from gptoss.engine.settings import Settings
from gptoss.engine.verification import verify
from gptoss.storage.memory import MemoryLog
from tests.engine.harmony_text import tokens
from tests.engine.test_conversation import ANSWER, CALL, RESULT, Adder
from tests.engine.test_verification import MALFORMED

LONG = "<|channel|>final<|message|>" + "and so on " * 30 + "<|return|>"
REPLIES = (ANSWER, CALL, RESULT, MALFORMED, LONG, "Hello<|return|>", "<|return|>")


class Crash(Exception):
    """The process dies."""


reply = st.sampled_from(REPLIES)
action = st.one_of(
    st.tuples(st.just("say"), st.lists(reply, min_size=1, max_size=4)),
    st.tuples(st.just("cut"), reply, st.integers(1, 25)),
    st.tuples(st.just("crash"), reply, st.integers(1, 25)),
    st.tuples(st.just("leave"), reply, st.integers(1, 40)),
    st.tuples(st.just("go on"), reply),
    st.tuples(st.just("fork"), st.integers(1, 10_000)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redact"), st.integers(1, 10_000)),
    st.tuples(st.just("switch"), st.integers(0, 10)),
    st.tuples(st.just("effort"), st.sampled_from(["low", "medium", "high"])),
    st.tuples(st.just("context"), st.integers(200, 2000)),
    st.tuples(st.just("keep"), st.booleans()),
)


class Session:
    """A session that things happen to."""

    def __init__(self, harmony: Harmony) -> None:
        self.harmony = harmony
        self.log = MemoryLog()
        self.log.start("a", Settings(start_date="2026-01-02"))
        self._cut_at: int | None = None
        self._seen = 0

    def do(self, name: str, *arguments: Any) -> None:
        session = self.log.session("a")
        if name in ("say", "cut", "crash", "leave", "go on"):
            self._chat(name, *arguments)
        elif name == "fork":
            fork(self.log, session, 1 + arguments[0] % self.log.branch(session.branch).head)
        elif name == "undo":
            if fold(self.log.read(session.branch)).turn:
                undo(self.log, session)
        elif name == "redact":
            # Only what was said holds anything that could be redacted, and each only once.
            said = [
                stored.seq
                for stored in self.log.read(session.branch)
                if isinstance(stored.event, MessageAppended) and not stored.redacted
            ]
            if said and not self._is_under_way(session.branch):
                self.log.redact(session.branch, said[arguments[0] % len(said)])
        elif name == "switch":
            branches = self.log.branches(session.id)
            switch(self.log, session, branches[arguments[0] % len(branches)].name)
        else:
            field = {"effort": "reasoning_effort", "context": "context", "keep": "keep_reasoning"}[name]
            conversation = self.open([])
            conversation.change_settings(replace(conversation.state.settings, **{field: arguments[0]}))
            conversation.close()

    def _is_under_way(self, branch: str) -> bool:
        generation = fold(self.log.read(branch)).generation
        return generation is not None and (generation.finished is None or generation.finished.reason != "stop")

    def _chat(self, name: str, replies: Any, after: int | None = None) -> None:
        script: list[list[Any]] = [tokens(self.harmony, text) for text in ([replies] if after else replies)]
        if name == "crash" and after is not None:
            script[0].insert(min(after, len(script[0]) - 1), Crash())
        # A turn that asks for more than was drawn gets an answer.
        script += [tokens(self.harmony, RESULT)] * 12
        conversation = self.open(script)
        self._cut_at, self._seen = (after if name == "cut" else None), 0
        updates = conversation.proceed() if name == "go on" else conversation.say("Hello again")
        try:
            for _ in updates:
                self._seen += 1
                if name == "leave" and self._seen == after:
                    updates.close()
        except (Crash, ContextFull):
            pass
        finally:
            conversation.close()
            self._cut_at = None

    def open(self, script: list[list[Any]]) -> Conversation:
        return Conversation(
            self.log,
            self.log.session("a").branch,
            harmony=self.harmony,
            generator=ScriptedGenerator(script),
            seed=lambda: 7,
            tools={"python": Adder()},
            cancelled=lambda: self._cut_at is not None and self._seen >= self._cut_at,
        )


@settings(max_examples=int(os.environ.get("GPTOSS_EXAMPLES", "200")))
@given(st.lists(action, min_size=1, max_size=12))
def test_whatever_happens_verifies_and_can_be_asked_again(harmony: Harmony, actions: list[tuple[Any, ...]]) -> None:
    session = Session(harmony)
    for name, *arguments in actions:
        session.do(name, *arguments)
    info = session.log.session("a")
    for branch in session.log.branches(info.id):
        history: list[StoredEvent] = list(session.log.read(branch.id))
        verified = verify(history, harmony)
        assert verified.drift is None
        assert verified.events == len(history)
        generations = [found for found in recorded_generations(history, harmony) if found.ids]
        generator = ScriptedGenerator([found.ids for found in generations])
        assert all(run.difference is None for run in rerun(generations, generator))
    # Nothing that happened has left the session stuck.
    conversation = session.open([tokens(harmony, RESULT)] * 12)
    while next_step(conversation.state) is not None:
        list(conversation.proceed())
    conversation.close()
