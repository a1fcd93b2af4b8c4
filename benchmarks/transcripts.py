"""How long exports, imports and the page take: `python -m benchmarks.transcripts`.

A session of 10,000 events (messages, generations and their token batches, no two answers alike) is written in every
format and restored from its archive into a new database, each by the command that a user types: the seconds that its
process took of the processor, start and vocabulary included, the least of a few runs. `--before TREE` runs those of
another checkout in turns with it. A page of 5,000 messages is opened in a headless Chromium.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

from gptoss.cli.formats import FORMATS
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
from gptoss.transcripts.page import page
from gptoss.transcripts.page.feed import Feed

NAME = "long"
EVENTS, MESSAGES, ROUNDS = 10_000, 5_000, 3


def record(log: EventLog, harmony: Harmony, *, events: int = 0, messages: int = 0, batches: int = 5) -> None:
    """A session with so many events, or so many messages; its prompts are trimmed to the context as a chat's are."""
    session = log.start(NAME, Settings(start_date="2026-01-02"))
    reasoning = harmony.encode("The user asks for a number, and I know it.")
    thought = (200005, *harmony.encode("analysis"), 200008, *reasoning, 200007)
    state = fold(log.read(session.branch))
    turn = 0
    while len(state.entries) < messages or state.seq < events:
        turn += 1
        answer = harmony.encode(
            f"It is {turn}, as **everybody** knows who has ever thought about it for long enough. "
            f"Others say {turn * 7919 % 1000}, as everybody knows, too, and who is to tell them that they err?"
        )
        said = (200006, 173781, 200005, *harmony.encode("final"), 200008, *answer, 200002)
        ids = (*thought, *said)
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


def taken(tree: Path, home: Path, *words: str) -> float:
    """Seconds of the processor that a command of a checkout takes."""
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from gptoss.__main__ import main; main()"
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", "-c", program, str(tree), *words],
        env=os.environ | {"GPTOSS_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(work: Callable[[], object]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def files(folder: Path, harmony: Harmony, before: Path | None) -> None:
    log = SqlLog(folder / "gptoss.db")
    record(log, harmony, events=EVENTS)
    print(f"{log.branch(log.session(NAME).branch).head:,} events; load {os.getloadavg()[0]:.1f}")
    log.close()
    trees = [tree for tree in (before, Path(__file__).parents[1]) if tree is not None]
    works = {f"export {name}": ["export", NAME, "--format", name, "-o", str(folder / name)] for name in FORMATS}
    works["import jsonl"] = ["import", str(folder / "jsonl"), "--db", "{new}"]
    for what, words in works.items():
        times: list[list[float]] = [[] for _ in trees]
        for number in range(ROUNDS):
            for tree, found in zip(trees, times, strict=True):
                new = folder / f"new-{number}-{len(found)}-{trees.index(tree)}.db"
                found.append(taken(tree, folder, *(word.format(new=new) for word in words)))
        size = f"{(folder / words[-1]).stat().st_size / 1e6:9.1f} MB" if what.startswith("export") else ""
        print(f"  {what:<16}{'  before '.join(f'{min(found):6.2f} s' for found in reversed(times))}{size}", flush=True)


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
    parser.add_argument("--before", type=Path, metavar="TREE", help="another checkout to compare with")
    options = parser.parse_args()
    only = options.only
    with tempfile.TemporaryDirectory() as folder:
        harmony = Harmony.load(Path(folder) / "cache")
        if only != "page":
            files(Path(folder), harmony, options.before)
        if only != "files":
            opening(Path(folder), harmony)


if __name__ == "__main__":
    main()
