"""What a session is set to, and how a generation samples."""

from typing import Literal

from msgspec import Struct

ReasoningEffort = Literal["low", "medium", "high"]
ContextPolicy = Literal["trim", "error"]

DEFAULT_CONTEXT = 8192


class ToolSpec(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a tool is announced to the model.

    "python" and "browser" are built into the model: their names alone select the texts that it was trained on. Any
    other tool is a function: `description` and `parameters` (a JSON Schema as JSON text) describe it in the developer
    message, `instructions` is text for the model on how to use it. The specification is part of the log, so that a
    recorded prompt can be derived again without the tool.
    """

    name: str
    description: str = ""
    parameters: str | None = None
    instructions: str = ""

    @property
    def is_builtin(self) -> bool:
        return self.name in ("python", "browser")


class Settings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that decides the system and developer messages of a session, and which model answers.

    `start_date` is an ISO date: the "current date" that the system message states. It is the day the session began and
    stays so, because a prompt whose beginning changes every midnight could reuse no cached keys. `context` is the
    number of tokens that prompt and answer may take together; `context_policy` what happens when they outgrow it: the
    oldest turns leave the prompt, or ContextFull is raised. `keep_reasoning` keeps the reasoning of earlier turns,
    which the format leaves out, in the prompt. `checkpoint` is a path, None the embedded model.
    """

    start_date: str
    reasoning_effort: ReasoningEffort = "low"
    developer_message: str | None = None
    tools: tuple[ToolSpec, ...] = ()
    context: int = DEFAULT_CONTEXT
    context_policy: ContextPolicy = "trim"
    keep_reasoning: bool = False
    checkpoint: str | None = None
    backend: str = "auto"


class Sampling(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How tokens are drawn.

    The token at absolute position `p` (the prompt's first token is at 0) is a function of the logits, `seed` and `p`
    alone, so that an interrupted generation, continued from its tokens, draws what it would have drawn. `temperature` 0
    takes the most likely token. `top_p` keeps the smallest set of tokens whose probability reaches it. `max_tokens`
    bounds the new tokens; None means as many as fit the context. `logprobs` asks the backend to record the log
    probability of each token that it draws.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    max_tokens: int | None = None
    logprobs: bool = False
