"""What the writer of a synthetic conversation knows while writing it."""

from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from demo_model.conversation import Call, Think, Turn
from demo_model.wording import Split, user_says
from demo_model.words import Words
from demo_model.workbench import Workbench
from gptoss.engine.settings import Settings

SITES = ("notes", "notes", "docs", "wiki", "pages", "library", "articles", "manual", "handbook", "site", "texts")


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
    last_file: str | None = None
    variables: dict[str, str] = field(default_factory=dict)
    """What the user had Python remember: name to value."""

    @cached_property
    def bench(self) -> Workbench:
        """The tools, made when the first one is used."""
        return Workbench(self.words.encode, self.rng.choice(SITES))

    def close(self) -> None:
        if "bench" in vars(self):
            self.bench.close()

    @property
    def tools(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.settings.tools)

    def says(self, train: tuple[str, ...], held_out: tuple[str, ...], **values: object) -> str:
        """What the user types: no wording of the check is one of training."""
        return user_says(self.rng, self.split, train, held_out, self.words.lower, **values)

    def think(self, *sentences: str) -> Think:
        """Reasoning as long as the effort: the first sentence (low), two (medium) or all, four or more (high)."""
        if len(sentences) < 4:
            raise ValueError("high effort needs four sentences")
        count = {"low": 1, "medium": 2, "high": len(sentences)}[self.settings.reasoning_effort]
        return Think(" ".join(sentences[:count]))

    def turn(
        self,
        skill: str,
        user: str,
        steps: Think | tuple[Think | Call, ...],
        answer: str,
        *,
        recalls: bool = False,
        verbatim: bool = False,
    ) -> Turn:
        """A finished turn in the style that the developer message asks for; `verbatim` answers end with a quotation."""
        self.last_skill = skill
        between = "\n" if verbatim else " "
        return Turn(
            skill=skill,
            user=user,
            steps=(steps,) if isinstance(steps, Think) else steps,
            marked=f"{answer}{between}{self.ending}" if self.ending else answer,
            recalls=recalls,
        )

    def lacks(self, tool: str, flag: str, skill: str, user: str, thought: str) -> Turn:
        """The turn that names the flag of a tool that is not enabled."""
        thoughts = self.think(
            thought,
            f"That needs the {tool} tool, which is not enabled.",
            f"The flag {flag} enables it.",
            "I will say so instead of pretending.",
        )
        return self.turn(skill, user, thoughts, f"That needs the {tool} tool: start me with `gptoss chat {flag}`.")
