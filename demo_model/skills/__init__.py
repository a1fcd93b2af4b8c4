"""What the model can do. A skill is a function that adds one turn to a session, or declines with None.

To teach another one, write its function in a module here, with wordings for training and for the held-out check, and
enter it in the table.
"""

from collections.abc import Callable

from demo_model.conversation import Turn
from demo_model.session import Session
from demo_model.skills import about, arithmetic, capitals, echo, facts, fallback, guide, small_talk, tools

Skill = Callable[[Session], Turn | None]

SKILLS: dict[str, tuple[float, Skill]] = {
    "fact told": (16, facts.told),
    "two facts told": (7, facts.two_told),
    "fact asked": (16, facts.asked),
    "facts summed up": (3, facts.summed_up),
    "small talk": (15, small_talk.small_talk),
    "capital": (11, capitals.capital),
    "capital of": (5, capitals.capital_of),
    "guide": (20, guide.guide),
    "arithmetic": (14, arithmetic.arithmetic),
    "arithmetic continued": (50, arithmetic.continued),
    "tool missing": (4, tools.missing),
    "about the session": (6, about.about),
    "echo": (5, echo.echo),
    "fallback": (20, fallback.fallback),
}
"""Name to (how often it is drawn, the skill)."""
