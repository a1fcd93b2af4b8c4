"""Conversations as the tokens that the engine will prompt with, arranged for training.

A session's prompts are not prefixes of one another: the reasoning of a finished turn is left out of the next prompt.
So a conversation is a *trunk* (system, developer, user messages, calls of functions, answers: what later turns see)
with a *branch* for each turn (all that the model samples in it, tool results between). A branch sees the trunk up to
its user message and itself; nothing sees a branch from outside. So every turn of a session is trained on exactly what
it will see, while the session is computed only once.
"""

from dataclasses import dataclass

from demo_model.conversation import Call, Conversation, Think, Turn
from demo_model.spelling import Speller
from gptoss.engine.harmony import Harmony
from gptoss.engine.message import Message
from gptoss.engine.tokens import ASSISTANT_TURN, CALL, CHANNEL, END, MESSAGE, RETURN


@dataclass(frozen=True)
class Branch:
    """What the model does in one turn. It continues the trunk's first `fork` tokens.

    `sampled[i]` tells whether the model samples `ids[i]`; it does not for cues and tool results.
    """

    turn: Turn
    fork: int
    ids: tuple[int, ...]
    sampled: tuple[bool, ...]


@dataclass(frozen=True)
class Encoded:
    trunk: tuple[int, ...]
    branches: tuple[Branch, ...]


def encode(conversation: Conversation, harmony: Harmony, speller: Speller) -> Encoded:
    trunk = [*harmony.render_system(conversation.settings), *harmony.render_developer(conversation.settings)]
    branches = []
    for turn in conversation.turns:
        trunk += harmony.render(Message(role="user", content=turn.user))
        ids, sampled = _branch(turn, harmony, speller)
        branches.append(Branch(turn, len(trunk), ids, sampled))
        for call in turn.calls:
            if call.is_kept:
                trunk += [*ASSISTANT_TURN, *_call(call, speller), *harmony.render(call.result)]
        trunk += [*ASSISTANT_TURN, *_message(speller, "final", turn.marked, END)]
    return Encoded(tuple(trunk), tuple(branches))


def _branch(turn: Turn, harmony: Harmony, speller: Speller) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    ids: list[int] = [*ASSISTANT_TURN]
    sampled = [False] * len(ids)

    def add(new: tuple[int, ...], by_model: bool) -> None:
        ids.extend(new)
        sampled.extend([by_model] * len(new))

    # A message that follows one's own is begun by the model; one that follows a tool's result, by the prompt's cue.
    begun = True
    for step in turn.steps:
        if not begun:
            add(ASSISTANT_TURN, True)
        if isinstance(step, Think):
            add(_message(speller, "analysis", step.text, END), True)
            begun = False
        elif isinstance(step, Call):
            add(_call(step, speller), True)
            add((*harmony.render(step.result), *ASSISTANT_TURN), False)
            begun = True
    if not begun:
        add(ASSISTANT_TURN, True)
    add(_message(speller, "final", turn.marked, RETURN), True)
    return tuple(ids), tuple(sampled)


def _call(call: Call, speller: Speller) -> tuple[int, ...]:
    return _message(speller, call.header, call.marked, CALL)


def _message(speller: Speller, header: str, text: str, end: int) -> tuple[int, ...]:
    return (CHANNEL, *speller.encode_marked(header), MESSAGE, *speller.encode_marked(text), end)
