"""A small web for one conversation: pages about things, with facts that somebody may ask for."""

import re
from dataclasses import dataclass
from random import Random

from demo_model import lists
from demo_model.session import Session
from demo_model.words import Words

SIZES = (
    ("long", "length", "metres"),
    ("tall", "height", "metres"),
    ("high", "height", "metres"),
    ("heavy", "weight", "kilos"),
    ("old", "age", "years"),
    ("deep", "depth", "metres"),
    ("wide", "width", "metres"),
    ("fast", "speed", "km an hour"),
    ("big", "size", "metres"),
    ("large", "area", "hectares"),
    ("hot", "temperature", "degrees"),
    ("far", "distance", "kilometres"),
    ("expensive", "price", "euros"),
)
"""Adjective, noun, unit."""

_DONE = "founded built opened invented discovered painted designed restored planted closed named sold rebuilt written".split()
_DOERS = "founded built invented discovered painted designed owns leads runs wrote restored planted bought sold".split()
ATTRIBUTES = """
colour population crew director owner address material founder author motto shape taste smell origin purpose
climate language currency season price weight length height age emblem symbol flag habitat diet range season ingredient
captain mayor leader secretary guide phone nickname home cost sound texture number code password size width
""".split()


@dataclass(frozen=True)
class Fact:
    """`asked` and `told` complete "how long it is" and "how long is it" for a subject; `words` are what a line with the
    answer holds, the first of them what one would look for. `line` is such a line.
    """

    indirect: str
    direct: str
    words: tuple[str, ...]
    line: str

    def is_in(self, text: str) -> bool:
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) for word in self.words)


def subject(session: Session) -> str:
    """What a page is about: "lighthouse", "silver harbours", "Lucerne"."""
    rng, words = session.rng, session.words
    kind = rng.random()
    if kind < 0.2:
        return words.city(rng)
    if kind < 0.3:
        return words.name(rng)
    noun = (
        words.lower(rng)
        if words.is_made_up(rng)
        else words.listed(rng, rng.choice((lists.NOUNS, lists.LIKES, lists.HOBBIES, lists.FOODS)))
    )
    if kind < 0.6:
        noun = f"{words.common(rng)} {noun}"
    if kind > 0.8 and not noun.endswith(("s", "g", "y")):
        noun += "s"
    if kind > 0.9:
        noun = f"{rng.choice(('the', 'the', 'a'))} {noun}"
    return noun


def fact(session: Session, about: str) -> Fact:
    """Something to know about a subject."""
    rng, words = session.rng, session.words
    many = about.endswith("s") and not about.startswith(("a ", "the "))
    they, are, were, their, have, do = (
        ("they", "are", "were", "their", "have", "do") if many else ("it", "is", "was", "its", "has", "does")
    )
    title = _title(about)
    kind = rng.random()
    if kind < 0.3:
        adjective, noun, unit = rng.choice(SIZES)
        value = f"{rng.randint(2, 900)} {unit}"
        line = rng.choice(
            (
                f"* {noun}: {value}",
                f"* {noun.capitalize()}: {value}",
                f"{noun.capitalize()}: {value}",
                f"The {noun} is {value}.",
                f"{their.capitalize()} {noun} is about {value}.",
                *(f"{who} {are} {value} {adjective}." for who in (they.capitalize(), title)),
            )
        )
        return Fact(
            f"how {adjective} {{s}} {are}", f"how {adjective} {are} {{s}}", (adjective, noun, noun.capitalize()), line
        )
    if kind < 0.42:
        verb, year = rng.choice(_DONE), rng.randint(1200, 2025)
        line = rng.choice(
            (
                f"{they.capitalize()} {were} {verb} in {year}.",
                f"{title} {were} {verb} in {year}.",
                f"* {verb}: {year}",
                f"{they.capitalize()} {were} {verb} in the year {year} by {words.name(rng)}.",
            )
        )
        return Fact(f"when {{s}} {were} {verb}", f"when {were} {{s}} {verb}", (verb,), line)
    if kind < 0.52:
        verb, name = rng.choice(_DOERS), words.name(rng)
        line = rng.choice(
            (f"{name} {verb} {they.replace('they', 'them')}.", f"{name} {verb} {about}.", f"* {verb} by {name}")
        )
        return Fact(f"who {verb} {{s}}", f"who {verb} {{s}}", (verb,), line)
    if kind < 0.6:
        place = words.city(rng)
        line = rng.choice(
            (f"{they.capitalize()} {are} located in {place}.", f"* location: {place}", f"Location: {place}")
        )
        return Fact(f"where {{s}} {are}", f"where {are} {{s}}", ("located", "location", "Location"), line)
    if kind < 0.75:
        things, count = f"{words.common(rng).rstrip('s')}s", rng.randint(2, 400)
        line = rng.choice(
            (f"{they.capitalize()} {have} {count} {things}.", f"* {things}: {count}", f"There are {count} {things}.")
        )
        return Fact(f"how many {things} {{s}} {have}", f"how many {things} {do} {{s}} have", (things,), line)
    known = rng.random() < 0.7
    attribute = rng.choice(ATTRIBUTES) if known else words.common(rng)
    names = (attribute, attribute.capitalize()) if known else (attribute,)
    value = rng.choice((words.phrase(rng, 3), words.name(rng), words.colour(rng), str(rng.randint(2, 9000))))
    line = rng.choice(
        (
            f"* {rng.choice(names)}: {value}",
            f"The {attribute} is {value}.",
            f"{their.capitalize()} {attribute} is {value}.",
            f"The {attribute} of {about} is {value}.",
        )
    )
    whose = rng.random()
    if whose < 0.6 or "'" in about:
        return Fact(f"what the {attribute} of {{s}} is", f"what is the {attribute} of {{s}}", names, line)
    return Fact(f"what {{s}}'s {attribute} is", f"what is {{s}}'s {attribute}", names, line)


def write_pages(session: Session, about: str, facts: list[Fact], filler: int) -> None:
    """A page about a subject that holds these facts, among others' pages; `filler` lines stand between."""
    rng, words = session.rng, session.words
    _write(session, about, [entry.line for entry in facts], filler)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        other = subject(session)
        if other.lower() != about.lower():
            mention = f"It has to do with {about}." if rng.random() < 0.3 else _sentence(words, rng)
            _write(session, other, [fact(session, other).line, mention], rng.randint(0, 4))


def _write(session: Session, about: str, told: list[str], filler: int) -> None:
    rng, words = session.rng, session.words
    title = _title(about)
    items = [line for line in told if line.startswith("* ")]
    blocks = ["\n".join(items)] if items else []
    blocks += [line for line in told if not line.startswith("* ")]
    for _ in range(filler):
        blocks.append(" ".join(_sentence(words, rng) for _ in range(rng.choice((1, 1, 2, 3)))))
    rng.shuffle(blocks)
    if rng.random() < 0.8:
        blocks.insert(
            0,
            rng.choice(
                (
                    f"{title} {rng.choice(('is', 'are'))} {words.common(rng)} and {words.common(rng)}.",
                    f"This page is about {about}.",
                    _sentence(words, rng),
                )
            ),
        )
    name = re.sub(r"\W+", rng.choice("-_"), about.lower())
    folder = session.bench.pages / rng.choice(("", "", "", words.common(rng).lower()))
    folder.mkdir(exist_ok=True)
    if rng.random() < 0.2:
        body = "".join(
            f"<ul>{''.join(f'<li>{line[2:]}</li>' for line in block.splitlines())}</ul>"
            if block.startswith("* ")
            else f"<p>{block}</p>"
            for block in blocks
        )
        (folder / f"{name}.html").write_text(
            f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"
        )
    else:
        head = f"# {title}\n\n" if rng.random() < 0.93 else ""
        (folder / f"{name}.md").write_text(head + "\n\n".join(blocks) + "\n")


def _title(about: str) -> str:
    bare = re.sub(r"^(the|a) ", "", about)
    return bare[:1].upper() + bare[1:]


def _sentence(words: Words, rng: Random) -> str:
    w = lambda: words.common(rng)  # noqa: E731
    return rng.choice(
        (
            lambda: f"The {w()} {w()} is near the {w()}.",
            lambda: f"Many people like the {w()} and the {w()}.",
            lambda: f"In {rng.choice(('spring', 'summer', 'autumn', 'winter'))} there is a {w()} {w()}.",
            lambda: f"{words.name(rng)} says that the {w()} {w()} well.",
            lambda: f"A {w()} {w()} needs a {w()}, a {w()} and some {w()}.",
            lambda: f"Visitors come for the {w()}.",
            lambda: f"No {w()} is like another {w()}.",
        )
    )()
