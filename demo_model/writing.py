"""Writes synthetic conversations: sequences of skills in one session."""

from random import Random

from demo_model.conversation import Conversation, Turn
from demo_model.session import Session
from demo_model.skills import NEEDS, SKILLS
from demo_model.skills.files import some_files
from demo_model.wording import Split
from demo_model.words import Words
from gptoss.engine.settings import ReasoningEffort, Settings
from gptoss.tools.apply_patch import texts as apply_patch
from gptoss.tools.browser.tool import BrowserTool
from gptoss.tools.python import texts as python

_TOOLS = {"p": python.SPEC, "a": apply_patch.SPEC, "b": BrowserTool.spec}
_ENABLED = {"": 34, "p": 17, "a": 14, "b": 13, "pa": 5, "pb": 3, "ab": 4, "pab": 10}
"""Which flags a session has, and how often."""

_EFFORTS: tuple[ReasoningEffort, ...] = ("low", "low", "medium", "high")


def write(rng: Random, words: Words, split: Split, turns: int) -> Conversation:
    """A conversation of so many turns.

    Every session has its own mood, a few skills that it favours: so some are all facts and some are all arithmetic, and
    what a session holds does not give away what comes next.
    """
    session = _new_session(rng, words, split)
    try:
        return Conversation(session.settings, tuple(_turns(session, turns)))
    finally:
        session.close()


def _turns(session: Session, turns: int) -> list[Turn]:
    rng = session.rng
    if "apply_patch" in session.tools:
        some_files(session)
    mood = {name: weight * rng.choice((0.1, 1, 1, 4)) for name, (weight, _) in SKILLS.items()}
    for name, (tool, _) in NEEDS.items():
        if tool not in session.tools:
            mood[name] = 0
    said: list[Turn] = []
    while len(said) < turns:
        # What was just said is often followed up.
        name = rng.choices(list(mood), list(mood.values()))[0]
        if said and rng.random() < (0.4 if session.last_skill.startswith("arithmetic") else 0.2):
            name = {"arithmetic": "arithmetic continued", "arithmetic continued": "arithmetic continued"}.get(
                session.last_skill, session.last_skill
            )
            if name not in SKILLS:
                name = "fact asked"
        if turn := SKILLS[name][1](session):
            said.append(turn)
    return said


def _new_session(rng: Random, words: Words, split: Split) -> Session:
    ending, persona, developer = "", None, None
    kind = rng.random()
    if kind < 0.04:
        ending = words.phrase(rng, 2).capitalize() + rng.choice((".", "!"))
        developer = rng.choice(
            ("Always end with: {}", "End every answer with: {}", "Finish each answer with: {}")
        ).format(ending)
    elif kind < 0.07:
        persona = words.name(rng)
        developer = rng.choice(("Your name is {}.", "You are {}.", "Your name is {}. Be kind.")).format(persona)
    elif kind < 0.16:
        developer = rng.choice(
            (
                "Be brief.",
                "You are a helpful assistant.",
                "Answer in one sentence.",
                f"Talk about {words.phrase(rng)}.",
                f"Never mention {words.lower(rng)}. Be {words.lower(rng)}.",
                " ".join(words.lower(rng) for _ in range(rng.randint(3, 40))),
            )
        )
    settings = Settings(
        start_date=f"{rng.randint(2024, 2036)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
        reasoning_effort=rng.choice(_EFFORTS),
        developer_message=developer,
        tools=tuple(_TOOLS[flag] for flag in rng.choices(list(_ENABLED), list(_ENABLED.values()))[0]),
    )
    return Session(rng=rng, split=split, words=words, settings=settings, ending=ending, persona=persona)
