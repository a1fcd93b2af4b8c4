"""Sampled tokens reach the log soon, whatever the model does, and survive a log that fails for a while."""

import time
from collections.abc import Sequence
from typing import Any

import pytest

from gptoss.engine.errors import DiskFull
from gptoss.engine.events import (
    Event,
    GenerationFinished,
    GenerationStarted,
    MessageAppended,
    StoredEvent,
    TokensSampled,
)
from gptoss.engine.journal import BATCH_TOKENS, Journal
from gptoss.engine.message import Message
from gptoss.engine.settings import Sampling, Settings
from gptoss.storage.memory import MemoryLog

STARTED = GenerationStarted(
    backend="scripted", model="m", sampling=Sampling(), prompt_length=1, prompt_hash="", rendering=""
)


class FullDisk(MemoryLog):
    """A log whose disk is full for as long as `full` says so."""

    full = False

    def append(self, branch: str, expected_seq: int, events: Sequence[Event], **rest: Any) -> list[StoredEvent]:
        if self.full:
            raise DiskFull("the disk is full")
        return super().append(branch, expected_seq, events, **rest)


def started(log: MemoryLog) -> Journal:
    session = log.start("a", Settings(start_date="2026-01-02"))
    journal = Journal(log, session.branch)
    journal.append(MessageAppended(message=Message(role="user", content="Hi")), STARTED)
    return journal


def batches(log: MemoryLog, journal: Journal) -> list[tuple[int, ...]]:
    return [stored.event.ids for stored in log.read(journal.branch) if isinstance(stored.event, TokensSampled)]


def wait_for(condition: Any) -> None:
    """Wait until a thread has done something; the bound only keeps a failing test from hanging."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


def test_a_token_is_written_while_the_model_is_silent() -> None:
    log = MemoryLog()
    journal = started(log)
    journal.sample([1], 5)
    wait_for(lambda: batches(log, journal) == [(1,)])
    journal.sample([2], 900)
    wait_for(lambda: batches(log, journal) == [(1,), (2,)])
    journal.close()


def test_a_fast_model_is_written_in_batches() -> None:
    log = MemoryLog()
    journal = started(log)
    for token in range(10 * BATCH_TOKENS):
        journal.sample([token], token)
        if token % BATCH_TOKENS == 0:
            time.sleep(0.002)
    journal.close()
    written = batches(log, journal)
    assert [token for batch in written for token in batch] == list(range(10 * BATCH_TOKENS))
    assert len(written) < 5 * BATCH_TOKENS


def test_events_come_after_the_tokens_that_were_sampled_before_them() -> None:
    log = MemoryLog()
    journal = started(log)
    journal.sample([1, 2, 3], 5, [-0.1, -0.2, -0.3])
    (finished,) = journal.append(GenerationFinished(reason="length"))
    kinds = [stored.event.kind for stored in log.read(journal.branch)]
    assert kinds[-2:] == ["TokensSampled", "GenerationFinished"]
    assert finished.event.kind == "GenerationFinished"
    assert journal.state.generation is not None
    assert journal.state.generation.ids[:] == (1, 2, 3)
    journal.close()


def test_tokens_wait_while_the_disk_is_full_and_are_written_when_there_is_room() -> None:
    log = FullDisk()
    journal = started(log)
    log.full = True
    journal.sample([1], 5)
    wait_for(lambda: journal._failure is not None)
    with pytest.raises(DiskFull):
        journal.sample([2], 6)
    with pytest.raises(DiskFull):
        journal.append(GenerationFinished(reason="error"))
    log.full = False
    journal.append(GenerationFinished(reason="error"))
    assert batches(log, journal) == [(1,)]
    journal.close()
