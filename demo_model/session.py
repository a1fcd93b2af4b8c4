"""What the writer of a synthetic conversation knows while writing it."""

from dataclasses import dataclass, field
from random import Random

from demo_model.conversation import Call, Think, Turn
from demo_model.wording import Split, user_says
from demo_model.words import Words
from gptoss.engine.settings import Settings


@dataclass
class Session:
    """The conversation so far, from the model's side: all that its answers may depend on."""

    rng: Random
    split: Split
    words: Words
    settings: Settings
    ending: str = ""
    """What the developer wants every answer to end with."""
    persona: str | None = None
    """The name that the developer gave the model."""
    facts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What the user told: attribute to (value, clause about it), the oldest first."""
    retold: bool = False
    """Whether a fact was ever told twice."""
    last_skill: str = ""
    last_number: str | None = None

    @property
    def tools(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.settings.tools)

    def says(self, train: tuple[str, ...], held_out: tuple[str, ...], **values: object) -> str:
        """What the user types: the wordings of the two splits have no pattern in common."""
        return user_says(self.rng, self.split, train if self.split == "train" else held_out, self.words.lower, **values)

    def think(self, *sentences: str) -> Think:
        """Reasoning as long as the effort: the first sentence (low), two (medium) or all, four or more (high)."""
        if len(sentences) < 4:
            raise ValueError("high effort needs four sentences")
        count = {"low": 1, "medium": 2, "high": len(sentences)}[self.settings.reasoning_effort]
        return Think(" ".join(sentences[:count]))

    def turn(
        self, skill: str, user: str, steps: Think | tuple[Think | Call, ...], answer: str, *, recalls: bool = False
    ) -> Turn:
        """A finished turn, in the style that the developer message asks for."""
        self.last_skill = skill
        return Turn(
            skill=skill,
            user=user,
            steps=(steps,) if isinstance(steps, Think) else steps,
            answer=f"{answer} {self.ending}".strip(),
            recalls=recalls,
        )
