"""A database under soak, and the ledger of what it has acknowledged: what was once there must be there for ever."""

import json
import os
import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from random import Random

from demo_model.words import Words
from demo_model.writing import write
from gptoss.engine.errors import DatabaseCorrupt
from gptoss.engine.events import MessageAppended, StoredEvent, TokensSampled
from gptoss.engine.ports import EventReader
from gptoss.storage.opening import open_for_reading
from gptoss.transcripts.times import iso

TURNS = 40
"""After so many prompts a session is retired."""


class Talk:
    """A session that windows share: its flags and what is said in it next."""

    def __init__(self, name: str, dice: Random, words: Words) -> None:
        written = write(dice, words, "train", TURNS)
        letters = {"python": "-p", "apply_patch": "-a", "browser": "-b"}
        self.name = name
        self.flags = [letters[tool.name] for tool in written.settings.tools]
        self._turns = iter([turn.user for turn in written.turns])
        self._lock = threading.Lock()

    def next(self) -> str | None:
        with self._lock:
            return next(self._turns, None)


class World:
    """One database with its own home folder; `where` is its URL."""

    def __init__(self, title: str, home: Path, where: str, words: Words, seed: int) -> None:
        self.title, self.home, self.where = title, home, where
        self.workspace, self.pages = home / "work", home / "notes"
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("GPTOSS_", "EXA_"))
        }
        self.environment |= {"GPTOSS_HOME": str(home), "GPTOSS_DATABASE_URL": where, "PYTHONUNBUFFERED": "1"}
        self.losses: list[str] = []
        self.may_forget = where.startswith("postgres")
        self.events = self.tokens = self.messages = 0
        self.retired: list[str] = []
        self._dice, self.words = Random(f"{title} {seed}"), words
        self._talks: list[Talk] = []
        self._lock = threading.RLock()
        self._made = 0
        self._heads: dict[str, tuple[str, int, bytes]] = {}  # branch: session's name, seq and hash of its last event
        self._acknowledged: set[tuple[str, object]] = set()
        self._seen: set[tuple[str, object]] = set()
        self._forgotten: set[str] = set()
        self.workspace.mkdir(parents=True)
        self.pages.mkdir()
        for subject in ("rowing", "baking", "chess"):
            facts = [f"{subject.capitalize()} fact {n}: {self._dice.randint(2, 90)} of {subject}." for n in range(40)]
            (self.pages / f"{subject}.md").write_text(f"# {subject.capitalize()}\n\n" + "\n\n".join(facts))

    def talk(self, dice: Random) -> tuple[Talk, str]:
        """One of the sessions under way, and what to say in it."""
        with self._lock:
            while True:
                if len(self._talks) < 4:
                    self._made += 1
                    self._talks.append(Talk(f"{self.title} {self._made}", self._dice, self.words))
                talk = dice.choice(self._talks)
                if (text := talk.next()) is not None:
                    return talk, text
                self._talks.remove(talk)
                self.retired.append(talk.name)

    def names(self) -> list[str]:
        with self._lock:
            return [talk.name for talk in self._talks] + self.retired

    def forget(self, session: str) -> None:
        """It is about to be deleted."""
        with self._lock:
            self._forgotten.add(session)
            if session in self.retired:
                self.retired.remove(session)

    def acknowledge(self, session: str, facts: Iterable[object]) -> None:
        """What the program has said is in the log: events as (seq, kind, time), or what a user said."""
        with self._lock:
            self._acknowledged |= {(session, fact) for fact in facts}

    def audit(self) -> None:
        """Read what is new on every branch and hold it to what was seen before. StorageError if it cannot be read."""
        with self._lock, closing(open_for_reading(self.where)) as log:
            present = set()
            for session in log.sessions():
                for branch in log.branches(session.id):
                    present.add(branch.id)
                    if session.name not in self._forgotten:
                        self._audit_branch(log, session.name, branch.id, branch.at_seq)
            for branch in self._heads.keys() - present:
                name, _, _ = self._heads.pop(branch)
                if name not in self._forgotten:
                    self.losses.append(f"{name}: a branch is gone")

    def _audit_branch(self, log: EventReader, name: str, branch: str, at_seq: int) -> None:
        before = self._heads.get(branch)
        after = at_seq if before is None else before[1] - 1
        try:
            new = list(log.read(branch, after, thorough=True))
            hashes = {record.seq: record.hash for record in log.records(branch, after)}
        except DatabaseCorrupt as error:
            self.losses.append(f"{name}: {error}")
            return
        if before is not None:
            if not new or (new[0].seq, hashes[new[0].seq]) != before[1:]:
                self.losses.append(f"{name}: event {before[1]} is not what it was")
            new = new[1:]
        # A crash of a server may take tokens that nothing durable has followed yet: those are looked at the next time.
        while new and self.may_forget and isinstance(new[-1].event, TokensSampled):
            new.pop()
        for stored in new:
            self._count(name, stored)
            self._heads[branch] = (name, stored.seq, hashes[stored.seq])

    def _count(self, name: str, stored: StoredEvent) -> None:
        event = stored.event
        self.events += 1
        self._seen.add((name, (stored.seq, event.kind, iso(stored.time))))
        if isinstance(event, TokensSampled):
            self.tokens += len(event.ids)
        elif isinstance(event, MessageAppended):
            self.messages += 1
            if event.message.role == "user":
                self._seen.add((name, event.message.content))

    def missing(self) -> list[str]:
        """What was acknowledged and was in the log at no audit."""
        missing = {fact for fact in self._acknowledged - self._seen if fact[0] not in self._forgotten}
        return [f"{name}: {fact} was acknowledged and is not in the log" for name, fact in sorted(missing, key=str)]

    def acknowledged(self) -> int:
        return len(self._acknowledged)

    def heads(self) -> set[tuple[str, int, bytes]]:
        """Of all branches: the session's name, and seq and hash of the last event."""
        return set(self._heads.values())


def events_in(lines: str) -> list[tuple[int, str, str]]:
    """The events that `--json` told of; the last line may be cut off."""
    found = (json.loads(line) for line in lines.splitlines(keepends=True) if line.endswith("\n"))
    return [(each["seq"], each["kind"], each["time"]) for each in found if each["type"] == "event"]
