"""The page, in a real browser."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gptoss.engine.events import GenerationFinished, GenerationStarted, MessageAppended, StoredEvent, TokensSampled
from gptoss.engine.generations import recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.ports import EventReader, SessionInfo
from gptoss.engine.reducer import fold
from gptoss.engine.rendering import RENDERING, prompt_hash, render_prompt
from gptoss.engine.settings import Sampling
from gptoss.storage.memory import MemoryLog
from gptoss.transcripts.archive import read_archive
from gptoss.transcripts.document import document
from gptoss.transcripts.page import page
from gptoss.transcripts.page.feed import Feed
from gptoss.transcripts.redaction import Redactor
from tests.recorded import SETTINGS, Recording
from tests.transcripts.chromium import Browser, Tab, chromium
from tests.transcripts.hostile import HOSTILE
from tests.transcripts.sessions import an_eventful_session

pytestmark = pytest.mark.skipif(chromium() is None, reason="Chromium is not installed (apt-get install chromium)")

HISTORIES = Path(__file__).parents[1] / "histories"
READY = "'ready' in document.documentElement.dataset"
Open = Callable[..., Tab]


def write(file: Path, log: EventReader, harmony: Harmony, name: str = "a", **options: Any) -> str:
    """Write the page of a session; its address."""
    session = log.session(name)
    with file.open("w", encoding="utf-8") as out:
        out.writelines(page(session.name, Feed(log, session, harmony, **options).more()))
    return file.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def recording(harmony: Harmony) -> Recording:
    return an_eventful_session(harmony)


@pytest.fixture(scope="module")
def address(recording: Recording, harmony: Harmony, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("page") / "a.html", recording.log, harmony)


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Open]:
    """Opens the page; at the end nothing may have been complained of or asked for."""
    tabs: list[Tab] = []

    def open(hash: str = "", **options: int) -> Tab:
        tabs.append(browser.open(address + hash, ready=READY, **options))
        draw(tabs[-1])
        return tabs[-1]

    yield open
    for tab in tabs:
        assert tab.complaints() == []
        assert tab.requests() == []


def draw(tab: Tab) -> None:
    """Fill what would be filled once it comes near the screen."""
    tab.value("[...nearing.keys()].forEach(fillNow)")


def switch(tab: Tab, name: str) -> None:
    """Choose a branch, as a user would."""
    tab.value(
        "(() => { const s = document.getElementById('branch');"
        f"s.value = [...s.options].findIndex((o) => o.text.startsWith({json.dumps(name)}));"
        "s.dispatchEvent(new Event('change')); })()"
    )
    draw(tab)


def test_the_current_branch_is_shown(opened: Open) -> None:
    tab = opened()
    assert tab.texts("#name") == ["a"]
    assert [text.split("\n")[1] for text in tab.texts("#turns li")] == ["Hello", "Another way?"]
    assert "Third way 🐉." in tab.texts(".card.answer")[-1]
    assert "Hello there!" in tab.texts(".card.answer")[0]


def test_branches_are_switched(opened: Open) -> None:
    tab = opened()
    switch(tab, "main")
    assert "Twenty people paddle" in tab.texts(".card.answer")[-1]
    switch(tab, "branch-2")
    answers = tab.texts(".card.answer")
    assert "Other: gone another way." in answers[-2]
    assert "Hello there!" in answers[-1]  # it was cut off and continued: there once
    assert len(answers) == 4
    assert tab.value("document.querySelectorAll('#turns li').length") == 4


def test_the_page_folds_to_what_the_engine_folds_to(opened: Open, recording: Recording) -> None:
    compare_folds(opened(), recording.log, recording.log.session("a"))


@pytest.mark.parametrize("file", sorted(HISTORIES.glob("*/*.jsonl")), ids=lambda file: file.parent.name)
def test_so_it_does_for_what_earlier_releases_wrote(
    browser: Browser, harmony: Harmony, tmp_path: Path, file: Path
) -> None:
    log = MemoryLog()
    with file.open("rb") as lines:
        sessions = log.restore([archived.records for archived in read_archive(lines)])
    for session in sessions:
        tab = browser.open(write(tmp_path / "a.html", log, harmony, session.name), ready=READY)
        compare_folds(tab, log, session)
        for view in ("charts", "xray"):
            tab.value(f"page.open('{view}')")
        assert tab.complaints() == []


def compare_folds(tab: Tab, log: EventReader, session: SessionInfo) -> None:
    for branch in log.branches(session.id):
        switch(tab, branch.name)
        found = document(log.read(branch.id))
        said = tab.value(
            "page.conversation.cards.filter((card) => card.kind !== 'note')"
            ".flatMap((card) => [card.text, ...card.results.map((result) => result.text)])"
        )
        assert said == [line.content for line in found.messages]
        made = tab.value("page.conversation.generations.map((made) => [made.seq, made.sampled, made.reason])")
        assert made == [[made.seq, made.sampled_tokens, made.reason] for made in found.generations]


def test_reasoning_is_folded_with_its_length_and_time(opened: Open) -> None:
    tab = opened()
    (first, *_) = tab.texts(".card.reasoning")
    assert "tokens" in first
    assert "The user greets." not in first
    tab.click("#unfold")
    assert "The user greets." in tab.texts(".card.reasoning")[0]


def test_tools_show_what_they_made(opened: Open) -> None:
    tab = opened()
    switch(tab, "main")
    tab.value("page.spread()")
    python, patch, search = tab.texts(".card.call")
    assert "plot()" in python
    assert tab.wait("document.querySelector('figure img').naturalWidth") == 8
    assert "+new = 2" in patch
    assert tab.texts(".card.call .diff .removed") == ["-old = 1\n", "-old = 1\n"]
    assert "dragon boats" in search
    assert tab.texts("mark") == ["L3: Its crew is twenty paddlers.\n"]
    tab.click(".citation")
    assert tab.value("document.querySelector('mark').getBoundingClientRect().top > 0")


def test_markdown_is_shown_as_such(opened: Open) -> None:
    tab = opened()
    switch(tab, "main")
    tab.value("page.spread()")
    assert tab.texts(".rich strong") == ["Bold"]
    assert tab.texts(".rich pre") == ["print(1)"]
    assert tab.texts(".rich td") == ["1", "2"]
    assert tab.value("document.querySelector('.rich a').href") == "https://example.com/"


def test_what_is_filtered_stays(opened: Open) -> None:
    tab = opened()
    switch(tab, "main")
    tab.press("/")
    tab.type("#filter", "PADDLE twenty")
    tab.wait("document.getElementById('state').textContent.startsWith('2 messages of')")
    assert len(tab.texts(".card")) == 2
    tab.press("Escape")
    tab.wait("document.getElementById('state').textContent === ''")
    tab.value("(() => { kind.value = 'tool'; kind.dispatchEvent(new Event('change')); })()")
    assert len(tab.texts(".card")) == len(tab.texts(".card.call")) == 3


def test_a_message_has_an_address(opened: Open, recording: Recording) -> None:
    log = recording.log
    main = next(branch for branch in log.branches(log.session("a").id) if branch.name == "main")
    last = [s for s in log.read(main.id) if isinstance(s.event, MessageAppended)][-1]
    tab = opened(f"#m{last.seq}@main")
    assert "Twenty people paddle" in tab.texts(".card.target")[0]
    assert tab.value("document.activeElement.id") == f"m{last.seq}"
    assert tab.value("document.querySelector('.card.target .link').hash") == f"#m{last.seq}@main"
    assert tab.value("document.querySelector('.card.target').getBoundingClientRect().top < innerHeight")
    tab.value("location.hash = '#m2'")
    tab.wait("document.activeElement.id === 'm2'")
    for odd in ("#m999999", "#mx", "#m2@%E0%A4%A", "#m2@nobody", "#<img src=x onerror=alert(1)>"):
        tab.value(f"location.hash = {json.dumps(odd)}")


def test_the_x_ray_shows_the_exact_tokens(opened: Open, recording: Recording, harmony: Harmony) -> None:
    log = recording.log
    tab = opened()
    for branch in log.branches(log.session("a").id):
        switch(tab, branch.name)
        generations = list(recorded_generations(log.read(branch.id), harmony))
        tab.click("#tab-xray")
        for number, generation in enumerate(generations):
            tab.value(f"page.xrays.show(page.conversation.generations[{number}])")
            draw(tab)
            ids = tab.value("[...document.querySelectorAll('.run .token')].map((one) => Number(one.dataset.id))")
            assert ids == [*generation.prompt.ids, *generation.ids]
            sampled = tab.value("[...document.querySelectorAll('.segment.sampled')].length")
            assert sampled == 1 + sum(segment.source == "sampled" for segment in generation.prompt.segments)
            dropped = " ".join(tab.texts(".dropped"))
            assert all(
                f"message {seq}" in dropped for run in generation.prompt.dropped for seq in (run.first, run.last)
            )
        special = tab.texts(".run .token.special")
        assert {"<|start|>", "<|message|>", "<|end|>"} <= set(special)


def test_the_x_ray_of_a_message_opens_from_it(opened: Open) -> None:
    tab = opened()
    tab.click(".card.answer:last-child .xray")
    draw(tab)
    assert "Third way" in "".join(tab.texts(".tokens > .segment:last-child .token"))
    assert tab.texts("#tab-xray[aria-selected=true]") == ["X-ray"]


def test_the_player_goes_through_the_conversation(opened: Open) -> None:
    tab = opened()
    whole = tab.texts(".card")
    total = tab.value("page.player.total")
    assert total > 0
    tab.value("page.player.seek(0)")
    assert len(tab.texts(".card")) < len(whole)
    seen = []
    for step in range(21):
        tab.value(f"page.player.seek(page.player.total * {step / 20})")
        seen.append(len("".join(tab.texts(".card"))))
    assert seen == sorted(seen)
    assert tab.texts(".card") == whole
    tab.value("(() => { speed.value = '100'; page.player.seek(0); page.player.toggle(); })()")
    tab.wait("!page.player.playing && page.player.at === page.player.total")
    assert tab.texts(".card") == whole


def test_scrubbing_by_keyboard(opened: Open) -> None:
    tab = opened()
    tab.value("(() => { scrub.value = '0'; scrub.dispatchEvent(new Event('input')); })()")
    assert tab.value("scrub.getAttribute('aria-valuetext')").startswith("0:00 / ")
    tab.press("p")
    tab.wait("page.player.at > 0")


def test_charts_tell_numbers(opened: Open) -> None:
    tab = opened()
    tab.click("#tab-charts")
    assert tab.texts(".chart h3") == ["Tokens per second", "Context", "Time per turn"]
    assert tab.value("document.querySelectorAll('.chart rect').length") > 3
    labels = tab.value("[...document.querySelectorAll('.chart svg')].map((one) => one.getAttribute('aria-label'))")
    assert all("Highest" in label for label in labels)
    tab.click(".chart .numbers summary")
    tab.wait("document.querySelectorAll('.chart td').length")


def test_messages_are_walked_by_keys(opened: Open) -> None:
    tab = opened()
    first = tab.value("page.conversation.cards[0].item.id")
    second = tab.value("page.conversation.cards[1].item.id")
    tab.press("j")
    assert tab.value("document.activeElement.id") == first
    tab.press("j")
    assert tab.value("document.activeElement.id") == second
    tab.press("k")
    assert tab.value("document.activeElement.id") == first


@pytest.mark.parametrize("width", [360, 800, 2560])
def test_nothing_is_wider_than_the_window(opened: Open, width: int) -> None:
    tab = opened(width=width)
    switch(tab, "main")
    tab.value("page.spread()")
    for view in ("talk", "charts", "xray"):
        tab.value(f"page.open('{view}')")
        assert tab.value("document.documentElement.scrollWidth <= innerWidth")


def test_everything_has_a_name_for_a_screen_reader(opened: Open) -> None:
    tab = opened()
    tab.call("Accessibility.enable")
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "combobox", "searchbox", "slider", "tab", "link", "navigation", "checkbox", "textbox"}
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node["role"]["value"] in named
    ]
    assert len(found) > 15
    assert [role for role, name in found if not name] == []
    assert {"main", "navigation", "banner"} <= {node["role"]["value"] for node in nodes if "role" in node}


def test_printing_shows_everything_and_no_controls(opened: Open) -> None:
    tab = opened()
    tab.call("Emulation.setEmulatedMedia", media="print")
    tab.value("dispatchEvent(new Event('beforeprint'))")
    assert tab.texts(".player") == []
    assert "The user greets." in tab.texts(".card.reasoning")[0]
    assert tab.call("Page.printToPDF")["data"]


def test_hostile_texts_do_nothing(browser: Browser, harmony: Harmony, tmp_path: Path) -> None:
    log = MemoryLog()
    name = f"</title></script>{HOSTILE[3]}"
    session = log.start(name, replace(SETTINGS, developer_message=HOSTILE[0], checkpoint=HOSTILE[3]))
    events: list[Any] = []
    for text in HOSTILE:
        events += [
            MessageAppended(message=Message(role="user", content=text)),
            MessageAppended(message=Message(role="assistant", channel="analysis", content=text)),
            MessageAppended(message=Message(role="assistant", channel="analysis", recipient="python", content=text)),
            MessageAppended(message=Message(role="tool", name=text[:50], content=text)),
            MessageAppended(message=Message(role="assistant", channel="final", content=text)),
        ]
    log.append(session.branch, 1, events)
    log.fork(session.branch, 3, HOSTILE[3])
    tab = browser.open(write(tmp_path / "a.html", log, harmony, name), ready=READY)
    tab.value("page.spread()")
    tab.value("document.querySelectorAll('.more').forEach((one) => one.click())")
    assert tab.value("document.querySelectorAll('.card').length") == 4 * len(HOSTILE)
    for view in ("charts", "xray", "talk"):
        tab.value(f"page.open('{view}')")
    tab.value("[...document.querySelectorAll('.card a:not(.link)')].slice(0, 50).forEach((one) => one.focus())")
    tab.value("new Promise((done) => setTimeout(done, 300))")
    assert tab.value("globalThis.hacked") is None
    forbidden = "script, iframe, img, svg, style, link, meta, base, form, input, math, object, [onerror], [onclick]"
    assert tab.value(f"document.querySelectorAll('#cards :is({forbidden})').length") == 0
    links = tab.value("[...document.querySelectorAll('#cards a')].map((one) => one.getAttribute('href'))")
    assert {link.partition(":")[0] for link in links if not link.startswith("#")} <= {"http", "https", "mailto"}
    assert tab.value("document.querySelectorAll('body > script').length") == 2
    shown = tab.value("document.getElementById('cards').textContent")
    assert HOSTILE[0] in shown
    assert "\u202e" not in shown
    assert tab.value("document.title") == f"{name} · gptoss"
    assert tab.texts("#name") == [name]
    assert tab.complaints() == []
    assert tab.requests() == []


def test_without_reasoning_no_token_is_there(
    browser: Browser, recording: Recording, harmony: Harmony, tmp_path: Path
) -> None:
    url = write(tmp_path / "a.html", recording.log, harmony, reasoning=False)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "greets" not in text
    tab = browser.open(url, ready=READY)
    assert tab.texts(".card.reasoning") == []
    tab.value("page.player.seek(page.player.total / 2)")
    tab.click("#tab-xray")
    assert "This export holds no tokens." in tab.texts("#xray")[0]
    assert tab.complaints() == []


def test_what_is_redacted_is_nowhere_in_the_file(
    browser: Browser, recording: Recording, harmony: Harmony, tmp_path: Path
) -> None:
    url = write(tmp_path / "a.html", recording.log, harmony, redactor=Redactor(["greets"]))
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "greets" not in text.replace(' greets"', "")  # the word itself may be a token
    assert ",".join(map(str, harmony.encode(" greets"))) not in text
    tab = browser.open(url, ready=READY)
    tab.click("#unfold")
    assert "[user]" in tab.texts(".card.reasoning")[0]
    tab.click("#tab-xray")
    tab.value("page.xrays.show(page.conversation.generations[0])")
    draw(tab)
    assert tab.value("document.querySelectorAll('.token.gone').length") > 0
    assert tab.complaints() == []


def test_one_path_alone(browser: Browser, recording: Recording, harmony: Harmony, tmp_path: Path) -> None:
    log = recording.log
    branch = next(b for b in log.branches(log.session("a").id) if b.name == "branch-2")
    tab = browser.open(write(tmp_path / "a.html", log, harmony, path=(branch, 20)), ready=READY)
    assert tab.value("page.model.branches.map((one) => one.name)") == ["branch-2"]
    assert tab.value("Math.max(...page.conversation.cards.map((card) => card.seq))") <= 20
    assert "Other: gone" not in "".join(tab.texts(".card"))
    assert tab.complaints() == []


def a_long_session(harmony: Harmony, messages: int) -> MemoryLog:
    """A session whose model says two messages a turn, appended at once."""
    log = MemoryLog()
    session = log.start("a", SETTINGS)
    stored: list[StoredEvent] = list(log.read(session.branch))
    state = fold(stored)
    answer = harmony.encode(" The answer is a sentence of some length, as answers are.")
    for turn in range(messages // 2):
        question = MessageAppended(message=Message(role="user", content=f"Question {turn}: what is it?"))
        state = fold(log.append(session.branch, state.seq, [question]), state)
        prompt = render_prompt(state, harmony)
        started = GenerationStarted(
            backend="scripted",
            model="m",
            sampling=Sampling(),
            prompt_length=len(prompt.ids),
            prompt_hash=prompt_hash(prompt.ids),
            rendering=RENDERING,
        )
        ids = (200005, 17196, 200008, *answer, 200002)
        final = Message(role="assistant", channel="final", content=harmony.decode(answer))
        state = fold(
            log.append(
                session.branch,
                state.seq,
                [
                    started,
                    TokensSampled(ids=ids, elapsed_ms=300),
                    MessageAppended(message=final, generation=state.seq + 1, span=(0, len(ids))),
                    GenerationFinished(reason="stop", stop_token=200002, elapsed_ms=300, first_token_ms=50),
                ],
            ),
            state,
        )
    return log


def test_a_long_session_opens_at_once(browser: Browser, harmony: Harmony, tmp_path: Path) -> None:
    """How fast is measured in benchmarks/transcripts.py; here it must only not depend on drawing everything."""
    url = write(tmp_path / "a.html", a_long_session(harmony, 600), harmony)
    begun = time.monotonic()
    tab = browser.open(url, ready=READY)
    print(f"600 messages in {time.monotonic() - begun:.2f} s")
    assert tab.value("document.querySelectorAll('.card').length") == 600
    assert tab.value("document.querySelectorAll('.card .text').length") < 100
    tab.value("document.querySelector('#turns li:last-child a').click()")
    tab.wait("document.activeElement.id === page.conversation.cards.at(-2).item.id")
    assert "Question 299" in tab.texts(".card.target")[0]
    # In the middle of an answer, as much of it as there was.
    tab.value(
        "(() => { const { player } = page, { times } = page.conversation.cards.at(-1);"
        "player.seek(player.played[player.real.indexOf(times[times.length >> 1])]); })()"
    )
    (half,) = tab.texts(".card:not(.future):last-child .text")
    assert " The answer is a sentence of some length, as answers are.".startswith(half)
    assert half
    assert tab.texts(".card:not(.future):last-child footer") == [], "nothing is told that is not known yet"
    tab.value("page.player.seek(page.player.total)")
    assert len(tab.texts(".card:last-child footer")) == 1
    tab.type("#filter", "question 123:")
    tab.wait("document.getElementById('state').textContent.startsWith('1 message of')")
    assert tab.complaints() == []
