"""A replay shows what the live turn showed."""

from itertools import pairwise
from math import inf

import pytest
from msgspec.structs import replace

from gptoss.engine.events import MessageAppended, SessionStarted, StoredEvent, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.parsing import MessageBegun, TextDelta
from gptoss.engine.updates import Prefilled, Sampled, Update
from gptoss.engine.vocabulary import Vocabulary
from gptoss.transcripts.playback import playback
from tests.recorded import ANSWER, CALL, MALFORMED, RESULT, Recording


def replayed(recording: Recording) -> list[Update]:
    moments = playback(recording.log.read(recording.session.branch), recording.harmony)
    return [moment.update for moment in moments]


def shown(updates: list[Update]) -> list[Update]:
    """Without what a replay cannot show or does not repeat."""
    started = [u for u in updates if not (isinstance(u, StoredEvent) and isinstance(u.event, SessionStarted))]
    return [u for u in started if not isinstance(u, Prefilled | Sampled)]


@pytest.mark.parametrize("replies", [[ANSWER], [CALL, RESULT], [MALFORMED]])
def test_a_replay_shows_what_the_turn_showed(harmony: Harmony, replies: list[str]) -> None:
    recording = Recording(harmony, replies)
    conversation = recording.open()
    live = list(conversation.say("Hello"))
    conversation.close()
    assert shown(replayed(recording)) == shown(live)


@pytest.mark.parametrize("after", range(3, 16))
def test_an_answer_that_was_stopped_and_continued_is_replayed_as_it_was(harmony: Harmony, after: int) -> None:
    recording = Recording(harmony, [ANSWER, ANSWER, ANSWER])
    conversation = recording.open()
    live = recording.interrupted(conversation.say("Hello"), after=after)
    live += conversation.proceed()
    conversation.close()
    assert shown(replayed(recording)) == shown(live)
    final = [u for u in live if isinstance(u, StoredEvent) and isinstance(u.event, MessageAppended)][-1]
    assert isinstance(final.event, MessageAppended)
    assert final.event.message.content == "Hello there!"


def test_tokens_come_when_they_came(harmony: Harmony) -> None:
    """Two batches of a generation, the second a second later: its tokens are spread over that second."""
    recording = Recording(harmony, [ANSWER])
    conversation = recording.open()
    list(conversation.say("Hello"))
    conversation.close()
    stored: list[StoredEvent] = []
    for event in recording.log.read(recording.session.branch):
        moved = event
        if isinstance(event.event, TokensSampled):
            moved = StoredEvent(
                branch=event.branch,
                seq=event.seq,
                position=event.position,
                time=event.time,
                event=TokensSampled(ids=event.event.ids, elapsed_ms=1000 * (len(stored) - 2)),
            )
        stored.append(moved)
    moments = list(playback(stored, harmony))
    begun = [moment.at for moment in moments if isinstance(moment.update, MessageBegun)]
    texts = [moment.at for moment in moments if isinstance(moment.update, TextDelta)]
    assert begun[0] < texts[0]
    assert texts == sorted(texts)
    assert len(set(texts)) == len(texts)
    assert texts[-1] - begun[0] > 0.9


def test_what_falls_within_a_frame_comes_together(harmony: Harmony) -> None:
    recording = Recording(harmony, [ANSWER])
    conversation = recording.open()
    list(conversation.say("Hello"))
    conversation.close()
    stored = list(recording.log.read(recording.session.branch))
    seq, ids = next((one.seq, one.event.ids) for one in stored if isinstance(one.event, TokensSampled))
    slow = [replace(one, event=TokensSampled(ids=ids, elapsed_ms=1000)) if one.seq == seq else one for one in stored]
    for frame in (0, 0.1, 0.3, 1, inf):
        came = [m for m in playback(slow[:seq], harmony, tokens=True, frame=frame) if isinstance(m.update, Sampled)]
        assert [token for m in came if isinstance(m.update, Sampled) for token in m.update.ids] == list(ids)
        assert all(later.at - earlier.at <= max(frame, 1 / len(ids)) + 1e-5 for earlier, later in pairwise(came))
        assert len(came) <= (2 / frame + 1 if frame else len(ids))
        assert frame or len(came) == len(ids)


def test_text_that_is_not_spread_comes_with_its_batch(harmony: Harmony, vocabulary: Vocabulary) -> None:
    """The same messages and texts, one piece for a batch, spelt without the library."""
    recording = Recording(harmony, [CALL, RESULT])
    conversation = recording.open()
    list(conversation.say("Hello"))
    conversation.close()
    events = list(recording.log.read(recording.session.branch))
    whole = list(playback(events, vocabulary, frame=inf, tokens=True))
    spread = list(playback(events, harmony, tokens=True))
    batches = [stored.event.ids for stored in events if isinstance(stored.event, TokensSampled)]
    assert [moment.update.ids for moment in whole if isinstance(moment.update, Sampled)] == batches
    for kind in (MessageBegun, StoredEvent):
        assert [m.update for m in whole if isinstance(m.update, kind)] == [
            m.update for m in spread if isinstance(m.update, kind)
        ]
    said, slowly = ([m.update.text for m in moments if isinstance(m.update, TextDelta)] for moments in (whole, spread))
    assert "".join(said) == "".join(slowly)
    assert len(said) < len(slowly)


def test_a_branch_that_is_cut_short_is_replayed_as_far_as_it_goes(harmony: Harmony) -> None:
    recording = Recording(harmony, [ANSWER])
    conversation = recording.open()
    list(conversation.say("Hello"))
    conversation.close()
    events = list(recording.log.read(recording.session.branch))
    for length in range(len(events)):
        seqs = [m.update.seq for m in playback(events[:length], harmony) if isinstance(m.update, StoredEvent)]
        assert seqs == [e.seq for e in events[:length] if not isinstance(e.event, TokensSampled)]
