"""Looking things up: search, open the first result, find what was asked for, and cite the line."""

import re

from demo_model.conversation import Call, Think, Turn
from demo_model.session import Session
from demo_model.skills.pages import Fact, fact, subject, write_pages
from demo_model.spelling import MARK
from demo_model.workbench import BROWSER
from gptoss.engine.recovery import tool_message

SKILL = "browsing"

_WEB = "(the web|the internet|online|my notes|the notes|the pages|the wiki|the docs|the documents|your sources|my files|the folder|the site)"
_TELL = "(tell me|say|find out|let me know|explain|show me|answer|report|write)"

_ASKED_WITH_SEARCH = (
    (
        f"(Search|Look|Google|Browse|Search {_WEB}|Look in {_WEB}|Look) for {{s}} and {_TELL} {{it}}.",
        "(Search|Look) for {s} and tell me {it}.",
        "(Search|Look) for {s} and tell me {it}.",
        f"(Look up|Google|Find|Search|Research) {{s}} and {_TELL} {{it}}.",
        "(Look up|Search for|Google|Find) {s}: {short}?",
        f"(Search|Browse|Use|Check|Read|Consult|Look at) {_WEB} (and tell me|to find out|and find out|and say|to tell me|:) {{whole}}.",
        "(Use the browser|Use your browser|Use the search|Search|Browse) (and tell me|to find out|and find out|to tell me|:) {whole}.",
        "(Find out|Look up|Check|Search|Research|Google) {whole}[ for me| please|, please].",
        f"(Find out|Look up|Check) {{whole}} (in|on) {_WEB}.",
        f"According to {_WEB}, {{question}}?",
        f"{{Question}}? (Search for it|Look it up|Use the browser|Search {_WEB}|Check {_WEB}|Look in {_WEB}|Please search|Search)[ please].",
        f"(What does it say|What is written|What stands) in {_WEB} about {{whole}}?",
        "(Can|Could|Would) you (look up|find out|search|check|google|search for) {whole}?",
        f"(Can|Could) you (search|look) for {{s}} and {_TELL} {{it}}?",
        "(I want|I need|I would like) to know {whole}(. Search for it|. Look it up|, so search for it|, please search).",
        "(Tell me|Say) {whole}(. Search for it|. Look it up|, search for it|. Use the browser|. Use the search).",
    ),
    (
        "Please search for {s} and tell me {it}.",
        "Could you look up {whole} for me?",
        "Look for {s} on the web and say {it}.",
        "Search my notes and find out {whole}.",
        "Use the browser to tell me {whole}.",
    ),
)
_ASKED = (
    (
        "{Question}?",
        "{Question}?",
        "{question}?",
        "(Tell me|Say|Do you know|Can you tell me|I want to know|I wonder|Please tell me|Explain|Let me know) {whole}.",
        "(And|So|Now) {question}?",
    ),
    ("Do you know {whole}?", "Could you tell me {whole}?", "Well, {question}?"),
)
_GENERAL = (
    (
        "(Search|Look|Google|Browse) (for|) {s}.",
        f"(Search|Look|Browse) (in|through|on) {_WEB} for {{s}}.",
        "(Search for|Look up|Google|Find|Look for) {s}[ please| for me|, please].",
        f"(Search|Browse) {_WEB} for {{s}}[ please| for me].",
        f"What (do|does|can you find in) {_WEB} say about {{s}}?",
        f"What is (in|said in|written in) {_WEB} about {{s}}?",
        f"(Look up|Find|Search) {{s}} (in|on) {_WEB}.",
        f"(Can|Could|Would) you (search|look) for {{s}}[ in {_WEB}]?",
        "(Can|Could|Would) you (look up|google|find) {s}?",
        f"(Find|Show me|Tell me) (something|a page|what there is|what you find) about {{s}} in {_WEB}.",
        "(Find|Open|Show me) (a page|the page|an article|something) about {s}.",
        "(Search|Look): {s}",
        "Search the (web|internet) for {s}.",
    ),
    (
        "Please search for {s}.",
        "Could you search my notes for {s}?",
        "Look up {s} for me.",
        "What do my notes say about {s}?",
        "Find a page about {s}.",
    ),
)
_OPEN = (
    (
        "(Open|Visit|Read|Show me|Go to|Fetch|Load|Look at|Browse to) [the page|the URL|the address] {url}[ please| for me].",
        "(Open|Read) {url} and (tell me|say|show me) what it says.",
        "What (is on|does it say on|stands on|does) [the page] {url}[ say]?",
        "(Can|Could) you (open|read|visit) {url}?",
        "{url}",
    ),
    ("Please open {url}.", "Could you show me the page {url}?", "Go to the page {url}."),
)
_OPEN_FOR = (
    (
        "(Open|Visit|Read|Go to|Look at|Fetch) [the page] {url} and (tell me|say|find out|look up) {whole}.",
        "(Use|Check|Read) {url} to (tell me|find out) {whole}.",
        "(On|According to) [the page] {url}, {question}?",
        "{Question}? (Look at|Open|Read|It is on|See) {url}.",
    ),
    ("Please open {url} and tell me {whole}.", "Look at the page {url} and say {whole}."),
)
_WEB_ONLY = (
    (
        "(Search|Browse) (the web|the internet|online).",
        "(Can|Could) you (search|browse|use) (the web|the internet|online)?",
        "(Go|Look) online.",
        "(Open|Visit|Go to|Read|Fetch) (https://|http://|www.|){host}.(com|org|net|io|example)[/{host}].",
        "What (is|are) (the news|today's news|the latest news)[ about {host}]?",
        "(Google|Search) something[ for me].",
    ),
    ("Can you browse the internet?", "Please visit (https://|www.|){host}.com.", "What is in the news?"),
)
_NOT_ENABLED = ("none", "none", "python", "apply_patch", "apply_patch, python")
_FAULTS = (
    "the search failed: the service did not answer in time.",
    "the search failed: the service answered with an error (500).",
    "the search failed: the key was refused.",
    "the search failed: the service answered with an error (429).",
)


def browsing(session: Session) -> Turn | None:
    rng = session.rng
    about = subject(session)
    wanted = fact(session, about)
    enabled = "browser" in session.tools
    kind = rng.random()
    if not enabled:
        if kind < 0.25:
            user = session.says(*_WEB_ONLY, host=lambda: session.words.common(rng))
        elif kind < 0.4:
            user = session.says(*_OPEN, url=f"local://notes/{session.words.common(rng)}.md")
        elif kind < 0.6:
            user = session.says(*_GENERAL, s=about)
        else:
            user = _ask(session, _ASKED_WITH_SEARCH, about, wanted)
        return session.lacks("browser", "-b", "tool missing", user, "The user wants me to look at the web.")
    _add_pages(session, about, wanted)
    if kind < 0.62:
        user = _ask(session, _ASKED if rng.random() < 0.35 else _ASKED_WITH_SEARCH, about, wanted)
        return _search(session, user, about, wanted)
    if kind < 0.84:
        return _search(session, session.says(*_GENERAL, s=about), about, None)
    return _open_url(session, about, wanted if kind < 0.92 else None)


def _ask(
    session: Session, wordings: tuple[tuple[str, ...], tuple[str, ...]], about: str, wanted: Fact, url: str = ""
) -> str:
    pronoun = "they" if about.endswith("s") and not about.startswith(("a ", "the ")) else "it"
    possessive = "their" if pronoun == "they" else "its"

    def with_pronoun(text: str) -> str:
        text = text.replace("{s}'s", possessive)
        if re.match(r"what (is )?the \w+ of \{s\}", text) and session.rng.random() < 0.7:
            return text.replace("the ", f"{possessive} ", 1).replace(" of {s}", "")
        if text.startswith("who "):
            pronoun_here = "them" if pronoun == "they" else "it"
            return text.replace("{s}", pronoun_here)
        return text.replace("of {s}", "of it" if pronoun == "it" else "of them").replace("{s}", pronoun)

    question = wanted.direct.replace("{s}", about)
    return session.says(
        *wordings,
        s=about,
        url=url,
        it=with_pronoun(wanted.indirect),
        short=with_pronoun(wanted.direct),
        whole=wanted.indirect.replace("{s}", about),
        question=question,
        Question=question[0].upper() + question[1:],
    )


def _add_pages(session: Session, about: str, wanted: Fact) -> None:
    """Pages for this turn; now and then without what will be asked for, or none at all."""
    rng = session.rng
    if rng.random() < 0.05:
        return
    facts = [fact(session, about) for _ in range(rng.choice((0, 1, 2, 3)))]
    facts = [other for other in facts if not wanted.is_in(other.line)]
    if rng.random() < 0.92:
        facts.insert(rng.randint(0, len(facts)), wanted)
    filler = rng.randint(25, 60) if rng.random() < 0.1 else rng.choice((0, 0, 1, 2, 3, 5))
    write_pages(session, about, facts, filler)


def _search(session: Session, user: str, about: str, wanted: Fact | None) -> Turn:
    thoughts = session.think(
        f"I will search for {about}.",
        "The browser finds pages.",
        "The first result is the best one.",
        "Then I will cite the line that tells it.",
    )
    return _searched(session, user, about, wanted, (thoughts,))


def _searched(session: Session, user: str, query: str, wanted: Fact | None, before: tuple[Think | Call, ...]) -> Turn:
    rng = session.rng
    arguments = f'{{"query":"{MARK}{query}"}}'
    if rng.random() < 0.04:
        fault = rng.choice(_FAULTS)
        result = f"Error: {fault}"
        answer = f"The browser did not work: {fault}"
        if rng.random() < 0.5:
            names = rng.choice(_NOT_ENABLED)
            result = f'Error: the tool "browser.search" is not enabled in this session. Enabled tools: {names}.'
            answer = "The browser tool is not enabled here: start me with `gptoss chat -b` and ask again."
        call = Call(BROWSER.format("search"), arguments, tool_message("browser.search", result, "analysis"))
        return session.turn(SKILL, user, (*before, call), answer)
    searched = session.bench.browse("search", arguments)
    if "No results for this query." in searched.result.content:
        return session.turn(SKILL, user, (*before, searched), f"I found nothing about {query}.")
    opened = session.bench.browse("open", '{"id":0}')
    return _read(session, user, wanted, (*before, searched), opened)


def _open_url(session: Session, about: str, wanted: Fact | None) -> Turn:
    rng, bench = session.rng, session.bench
    there = sorted(path.relative_to(bench.pages).as_posix() for path in bench.pages.rglob("*.*"))
    path = rng.choice(there) if there and rng.random() < 0.8 else f"{session.words.common(rng)}.md"
    url = bench.site + path
    user = _ask(session, _OPEN_FOR, about, wanted, url) if wanted else session.says(*_OPEN, url=url)
    thoughts = session.think(
        f"I will open {url}.",
        "The browser shows pages by their address.",
        "If there is no such page, it will say so.",
        "Then I will cite the line that tells it.",
    )
    opened = bench.browse("open", f'{{"id":"{MARK}{url}"}}')
    if opened.result.content.startswith("Error: "):
        if wanted is None:
            return session.turn(SKILL, user, (thoughts, opened), f"There is no page {url} here.")
        again = session.think(
            f"I will search for {about}.",
            "There is no such page.",
            "Another one may tell it.",
            "The first result is the best one.",
        )
        return _searched(session, user, about, wanted, (thoughts, opened, again))
    return _read(session, user, wanted, (thoughts,), opened)


def _read(session: Session, user: str, wanted: Fact | None, before: tuple[Think | Call, ...], opened: Call) -> Turn:
    """The turn from a page that was opened: its line, or what browser.find finds below."""
    text = opened.result.content
    cursor, lines = _lines(text)
    if wanted is None:
        there = next(((n, line) for n, line in lines if n > 1 and line.strip() and not line.startswith("#")), None)
    else:
        there = next(
            ((n, line) for n, line in lines if n > 1 and not line.startswith("#") and wanted.is_in(line)), None
        )
    steps = (*before, opened)
    sought = wanted.words[0] if wanted else "the beginning"
    if there is None and wanted is not None:
        word = wanted.words[0]
        thoughts = session.think(
            f"I look for {word}: it is not here.",
            "I will look for the word on the whole page.",
            "The page may be longer than what I see.",
            "Then I will cite the line that tells it.",
        )
        found = session.bench.browse("find", f'{{"pattern":"{MARK}{word}"}}')
        steps = (*steps, thoughts, found)
        match = re.search(r"# 【0†match at L(\d+)】\nL1: (.*)", found.result.content)
        if match is None:
            return session.turn(SKILL, user, steps, f"The page says nothing about {word}.")
        there = int(match[1]), match[2]
    if there is None:
        return session.turn(SKILL, user, steps, "The page is empty.")
    number, line = there
    last = session.think(
        f"I look for {sought}: L{number} tells it.",
        "I will say what it says.",
        f"The page is at cursor {cursor}.",
        "I will cite the line.",
    )
    return session.turn(SKILL, user, (*steps, last), f"{MARK}{_quoted(line)} 【{cursor}†L{number}】")


def _quoted(line: str) -> str:
    """A line without the star of a list."""
    return line.strip().removeprefix("* ").strip()


def _lines(text: str) -> tuple[int, list[tuple[int, str]]]:
    """The cursor of a view, and its lines by number."""
    cursor = re.match(r"\[(\d+)\]", text)
    found = [(int(number), line) for number, line in re.findall(r"^L(\d+): (.*)$", text, re.MULTILINE)]
    return int(cursor[1]) if cursor else 0, found
