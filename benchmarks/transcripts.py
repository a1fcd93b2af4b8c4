"""How long exports, imports and the page take: `python -m benchmarks.transcripts`.

A session of 10,000 events (messages, generations and their token batches, tool calls) is written in every format and
restored from its archive into a new database; a page of 5,000 messages is opened in a headless Chromium.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

from gptoss.cli.casting import cast
from gptoss.engine.events import Event, GenerationFinished, GenerationStarted, MessageAppended, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import EventLog
from gptoss.engine.reducer import fold
from gptoss.engine.rendering import RENDERING, prompt_hash, render_prompt
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.trimming import trim
from gptoss.storage.memory import MemoryLog
from gptoss.storage.sql import SqlLog
from gptoss.transcripts.archive import archive, read_archive
from gptoss.transcripts.document import document, to_json
from gptoss.transcripts.markdown import to_markdown
from gptoss.transcripts.openai import to_openai
from gptoss.transcripts.page import page
from gptoss.transcripts.page.feed import Feed
from gptoss.transcripts.prompts import harmony_lines
from gptoss.transcripts.sharegpt import to_sharegpt

NAME = "long"
EVENTS, MESSAGES = 10_000, 5_000


def record(log: EventLog, harmony: Harmony, *, events: int = 0, messages: int = 0, batches: int = 5) -> None:
    """A session with so many events, or so many messages; its prompts are trimmed to the context as a chat's are."""
    session = log.start(NAME, Settings(start_date="2026-01-02"))
    reasoning = harmony.encode("The user asks for a number, and I know it.")
    answer = harmony.encode("It is forty-two, as everybody knows who has ever thought about it for long enough. " * 2)
    thought = (200005, *harmony.encode("analysis"), 200008, *reasoning, 200007)
    said = (200006, 173781, 200005, *harmony.encode("final"), 200008, *answer, 200002)
    ids = (*thought, *said)
    state = fold(log.read(session.branch))
    turn = 0
    while len(state.entries) < messages or state.seq < events:
        turn += 1
        question = MessageAppended(message=Message(role="user", content=f"Question {turn}: what is the answer?"))
        state = fold(log.append(session.branch, state.seq, [question]), state)
        prompt = render_prompt(state, harmony)
        if cut := trim(state, prompt, state.settings.context):
            state = fold(log.append(session.branch, state.seq, [cut]), state)
            prompt = render_prompt(state, harmony)
        started = GenerationStarted(
            backend="none",
            model="none",
            sampling=Sampling(),
            prompt_length=len(prompt.ids),
            prompt_hash=prompt_hash(prompt.ids),
            rendering=RENDERING,
        )
        size = -(-len(ids) // batches)
        tokens = [TokensSampled(ids=ids[n : n + size], elapsed_ms=10 * (n + size)) for n in range(0, len(ids), size)]
        seq = state.seq + 1
        rest: list[Event] = [
            started,
            *tokens,
            MessageAppended(
                message=Message(role="assistant", channel="analysis", content=harmony.decode(reasoning)),
                generation=seq,
                span=(0, len(thought)),
            ),
            MessageAppended(
                message=Message(role="assistant", channel="final", content=harmony.decode(answer)),
                generation=seq,
                span=(len(thought), len(ids)),
            ),
            GenerationFinished(reason="stop", stop_token=200002, elapsed_ms=10 * len(ids), first_token_ms=20),
        ]
        state = fold(log.append(session.branch, state.seq, rest), state)


def formats(log: EventLog, harmony: Harmony) -> dict[str, Callable[[], Iterable[str]]]:
    """What writes the session in each format, reading the log included."""
    session = log.session(NAME)

    return {
        "md": lambda: [to_markdown(document(log.read(session.branch)))],
        "json": lambda: [to_json(document(log.read(session.branch)))],
        "openai": lambda: [to_openai(document(log.read(session.branch)))],
        "sharegpt": lambda: [to_sharegpt(document(log.read(session.branch)))],
        "jsonl": lambda: archive(log, session),
        "cast": lambda: cast(log.read(session.branch), harmony),
        "html": lambda: page(NAME, Feed(log, session, harmony).more()),
        "harmony": lambda: harmony_lines(log.read(session.branch), harmony),
    }


def measured(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def files(folder: Path, harmony: Harmony) -> None:
    log = SqlLog(folder / "log.db")
    record(log, harmony, events=EVENTS)
    head = log.branch(log.session(NAME).branch).head
    print(f"{head:,} events")
    for name, write in formats(log, harmony).items():
        file = folder / name
        with file.open("w", encoding="utf-8") as out:
            took = measured(lambda: out.writelines(write()))  # noqa: B023  done before the loop goes on
        print(f"  export {name:<9}{took:6.2f} s{file.stat().st_size / 1e6:9.1f} MB")
    other = SqlLog(folder / "other.db")
    with (folder / "jsonl").open("rb") as lines:
        took = measured(lambda: other.restore([session.records for session in read_archive(lines)]))
    print(f"  import jsonl    {took:6.2f} s")
    other.close()
    log.close()


def opening(folder: Path, harmony: Harmony) -> None:
    from tests.transcripts.chromium import Browser, chromium

    if chromium() is None:
        print("no Chromium to open the page with")
        return
    log = MemoryLog()
    record(log, harmony, messages=MESSAGES)
    file = folder / "page.html"
    with file.open("w", encoding="utf-8") as out:
        took = measured(lambda: out.writelines(page(NAME, Feed(log, log.session(NAME), harmony).more())))
    print(f"a page of {MESSAGES:,} messages: {file.stat().st_size / 1e6:.1f} MB, written in {took:.1f} s")
    browser = Browser(folder / "profile")
    browser.open("about:blank")
    for _ in range(3):
        tab = browser.open(file.as_uri(), ready="'ready' in document.documentElement.dataset")
        ready = tab.value("performance.getEntriesByName('ready')[0].startTime")
        painted = tab.value("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
        print(f"  usable after {ready / 1000:.2f} s, first painted after {painted / 1000:.2f} s")
    browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=("files", "page"))
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        harmony = Harmony.load(Path(folder) / "cache")
        if only != "page":
            files(Path(folder), harmony)
        if only != "files":
            opening(Path(folder), harmony)


if __name__ == "__main__":
    main()
