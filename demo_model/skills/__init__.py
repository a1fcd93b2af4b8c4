"""What the model can do. A skill is a function that adds one turn to a session, or declines with None.

To teach another one, write its function in a module here, with wordings for training and for the held-out check, and
enter it in the table.
"""

from collections.abc import Callable

from demo_model.conversation import Turn
from demo_model.session import Session
from demo_model.skills import (
    about,
    arithmetic,
    browse,
    capitals,
    echo,
    facts,
    fallback,
    files,
    guide,
    programs,
    small_talk,
)

Skill = Callable[[Session], Turn | None]

NEEDS: dict[str, tuple[str, Skill]] = {
    "python": ("python", programs.python),
    "files": ("apply_patch", files.files),
    "browsing": ("browser", browse.browsing),
}
"""Skills for sessions with a tool: its name, and the skill, which asks for the flag where there is no such tool."""


def tool_missing(session: Session) -> Turn | None:
    lacking = [skill for tool, skill in NEEDS.values() if tool not in session.tools]
    return session.rng.choice(lacking)(session) if lacking else None


SKILLS: dict[str, tuple[float, Skill]] = {
    "fact told": (18, facts.told),
    "two facts told": (10, facts.two_told),
    "fact asked": (20, facts.asked),
    "facts summed up": (4, facts.summed_up),
    "small talk": (15, small_talk.small_talk),
    "capital": (10, capitals.capital),
    "capital of": (4, capitals.capital_of),
    "guide": (22, guide.guide),
    "arithmetic": (12, arithmetic.arithmetic),
    "arithmetic continued": (50, arithmetic.continued),
    "python": (40, programs.python),
    "files": (110, files.files),
    "browsing": (90, browse.browsing),
    "tool missing": (6, tool_missing),
    "about the session": (5, about.about),
    "echo": (8, echo.echo),
    "list": (10, echo.lines),
    "fallback": (18, fallback.fallback),
}
"""Name to (how often it is drawn, the skill)."""
