"""`gptoss tail`: follows a session that another process writes. It only reads, so nobody is disturbed."""

from collections.abc import Callable, Iterator
from contextlib import closing
from time import sleep

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.display import Display
from gptoss.cli.output import Output
from gptoss.engine.branching import turn_seqs
from gptoss.engine.errors import SessionNotFound, UsageError
from gptoss.engine.events import StoredEvent
from gptoss.engine.ports import EventReader
from gptoss.transcripts.playback import playback

INTERVAL = 0.1
"""Seconds between two looks at the log: about how often a writer stores its tokens."""


def tail_session(
    adapters: Adapters,
    database: str | None,
    name: str,
    out: Output,
    *,
    turns: int,
    follow: bool,
    pause: Callable[[float], None] = sleep,
) -> int:
    """Show the last turns and then whatever comes, until Ctrl-C. Follows the session from branch to branch."""
    if turns < 0:
        raise UsageError(f"--turns must be 0 or more, not {turns}")
    with closing(adapters.open_reader(database)) as reader:
        vocabulary = adapters.vocabulary()
        kept = adapters.kept(reader.get_blob)
        branch: str | None = reader.session(name).branch
        first = _first_shown(reader, branch or "", turns)
        is_told = follow and out.is_terminal
        if is_told:
            out.line("What comes is shown as it comes; Ctrl-C ends this.", "dim")
        display = Display(out, out, kept=kept, follows=is_told)
        try:
            while branch is not None:
                following = _Following(reader, name, branch, pause if follow else None)
                for moment in playback(following, vocabulary):
                    if moment.seq >= first:
                        display.show(moment.update)
                    else:
                        kept.observe(moment.update)
                branch = following.moved_to
                if branch is not None:
                    first = reader.branch(branch).at_seq + 1
        except KeyboardInterrupt:
            # How one leaves what never ends.
            pass
        display.end()
    return 0


class _Following:
    """The events of a branch, those to come included, until the session moves to another one (`moved_to`)."""

    def __init__(self, reader: EventReader, name: str, branch: str, pause: Callable[[float], None] | None) -> None:
        self._reader = reader
        self._session = reader.session(name)
        self._branch = branch
        self._pause = pause
        self.seq = 0
        self.moved_to: str | None = None

    def __iter__(self) -> Iterator[StoredEvent]:
        while True:
            for stored in self._reader.read(self._branch, after=self.seq):
                self.seq = stored.seq
                yield stored
            if self._pause is None:
                return
            self.moved_to = self._current()
            if self.moved_to != self._branch:
                return
            self._pause(INTERVAL)

    def _current(self) -> str | None:
        """The session's current branch, whatever the session is called by now; None once it is deleted."""
        try:
            found = self._reader.session(self._session.name)
        except SessionNotFound:
            found = None
        if found is None or found.id != self._session.id:
            found = next((info for info in self._reader.sessions() if info.id == self._session.id), None)
            self._session = found or self._session
        return None if found is None else found.branch


def _first_shown(reader: EventReader, branch: str, turns: int) -> int:
    """The seq at which the last `turns` turns begin."""
    begins = turn_seqs(reader, branch)
    if turns >= len(begins):
        return 1
    return begins[-turns] if turns else reader.branch(branch).head + 1
