"""What a conversation looks like."""

import io
from collections.abc import Iterable

from gptoss.cli.display import Display
from gptoss.cli.output import Output
from gptoss.engine.events import SessionStarted, SettingsChanged, StoredEvent, UnknownEvent
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings
from gptoss.engine.updates import Prefilled, Update
from gptoss.transcripts.playback import playback
from tests.recorded import ANSWER, CALL, MALFORMED, RESULT, SETTINGS, Recording


class Screen:
    """Both streams, apart and as one terminal would show them."""

    def __init__(self, *, terminal: bool = False) -> None:
        self.both = io.StringIO()
        self.answers, self.rest = (_Tee(self.both, terminal) for _ in range(2))
        self.display = Display(Output(self.answers), Output(self.rest))

    def show(self, updates: Iterable[Update]) -> str:
        for update in updates:
            self.display.show(update)
        self.display.end()
        return self.both.getvalue()


class _Tee(io.StringIO):
    def __init__(self, both: io.StringIO, terminal: bool) -> None:
        super().__init__()
        self._both = both
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        self._both.write(text)
        return super().write(text)


def stored(event: SessionStarted | SettingsChanged | UnknownEvent) -> StoredEvent:
    return StoredEvent(branch="", seq=1, position=1, time=0, event=event)


def test_reasoning_call_result_and_answer_are_told_apart(harmony: Harmony) -> None:
    screen = Screen()
    shown = screen.show(Recording(harmony, [CALL, RESULT]).open().say("1 + 1?"))
    assert shown == (
        "> 1 + 1?\n"
        "\n  calls python\n    print(1 + 1)\n"
        '\n  python is not enabled\n    Error: the tool "python" is not enabled in this session. Enabled tools: none.\n'
        "\nIt is 2.\n"
    )
    assert screen.answers.getvalue() == "It is 2.\n"


def test_reasoning_is_indented_and_dim_on_a_terminal(harmony: Harmony) -> None:
    assert "\n  thinking\n  The user greets.\n\nHello there!\n" in Screen().show(
        Recording(harmony, [ANSWER]).open().say("Hi")
    )
    assert "\x1b[2m  The\x1b[0m\x1b[2m user\x1b[0m" in Screen(terminal=True).show(
        Recording(harmony, [ANSWER]).open().say("Hi")
    )


def test_an_answer_goes_on_where_it_was_cut_off(harmony: Harmony) -> None:
    """Live, with the partial answer on the screen."""
    recording = Recording(harmony, [ANSWER] * 2)
    screen = Screen()
    conversation = recording.open()
    updates = recording.interrupted(conversation.say("Hi"), after=12)
    assert screen.show(updates).endswith("\n\nHello\n\nstopped: what was said is kept\n")
    assert screen.show(conversation.proceed()).endswith("kept\n\n… there!\n")
    assert Screen().show(m.update for m in playback(recording.log.read(recording.session.branch), harmony)) == (
        screen.both.getvalue()
    )


def test_an_answer_that_goes_on_elsewhere_is_shown_whole(harmony: Harmony) -> None:
    """As in another process, whose screen does not have its beginning."""
    recording = Recording(harmony, [ANSWER] * 2)
    recording.interrupted(recording.open().say("Hi"), after=12)
    screen = Screen()
    screen.show(recording.open().proceed())
    assert screen.answers.getvalue() == "Hello there!\n"


def test_messages_that_nobody_saw_being_written(harmony: Harmony) -> None:
    """A resumed session shows its last turns, then goes on with the partial answer."""
    recording = Recording(harmony, [ANSWER] * 2)
    recording.interrupted(recording.open().say("Hi"), after=12)
    conversation = recording.open()
    screen = Screen()
    for entry in conversation.state.entries:
        screen.display.message(entry.message, partial=entry.partial)
    assert screen.show(conversation.proceed()) == ("> Hi\n\n  thinking\n  The user greets.\n\nHello\n\n… there!\n")


def test_a_long_result_is_shortened() -> None:
    screen = Screen()
    screen.display.message(Message(role="tool", name="python", content="\n".join(map(str, range(100)))))
    assert screen.both.getvalue().endswith("    39\n    … 60 more lines\n")


def test_what_was_repaired_is_said(harmony: Harmony) -> None:
    screen = Screen()
    shown = screen.show(Recording(harmony, [MALFORMED]).open().say("Hi"))
    assert "malformed output was repaired: a message came without a valid channel\n" in shown
    assert screen.answers.getvalue() == "No channel.\n"


def test_changed_settings_and_unknown_events_are_shown() -> None:
    changed = Settings(start_date="2026-01-02", reasoning_effort="high", context=100)
    shown = Screen().show(
        [
            stored(SessionStarted(session="1", name="a", settings=SETTINGS)),
            stored(SettingsChanged(settings=changed)),
            stored(UnknownEvent(name="MoonRose", schema_version=2, payload="{}")),
        ]
    )
    assert shown == (
        "settings changed: reasoning effort low → high; context 8192 → 100\n\n"
        "MoonRose (version 2): unknown to this release of gptoss, kept as it is\n"
    )


def test_hostile_text_does_nothing_on_a_terminal() -> None:
    hostile = "\x1b]0;title\x07\x9b2J\x1b[31m"
    screen = Screen(terminal=True)
    for role in ("user", "assistant", "tool"):
        screen.display.message(Message(role=role, content=hostile, name=hostile, channel="analysis", recipient=hostile))
    screen.display.notice(hostile)
    shown = screen.both.getvalue()
    for own in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[36m"):
        shown = shown.replace(own, "")
    assert not set(shown) & {"\x1b", "\x07", "\x9b"}


def test_reading_a_long_prompt_shows_how_far_it_is(harmony: Harmony) -> None:
    screen = Screen(terminal=True)
    screen.display.show(Prefilled(512, 4000, 3488))
    assert screen.both.getvalue() == ""  # all of it in one step
    screen = Screen(terminal=True)
    screen.display.show(Prefilled(512, 4000, 1000))
    assert "reading the conversation: 512 of 3,000 tokens" in screen.both.getvalue()
    screen.display.end()
    assert screen.both.getvalue().endswith("\r\x1b[2K")
