"""`gptoss chat PROMPT`: one turn, the answer alone on standard output, everything else on standard error."""

from gptoss.cli.conversing import Chat
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.json_lines import JsonLines
from gptoss.cli.output import INTERRUPTED, Output
from gptoss.cli.watching import Screen, watch
from gptoss.engine.conversation import Conversation, next_step
from gptoss.engine.errors import ContextFull, GptossError, UsageError


class NoAnswer(GptossError):
    """A turn is over and there is nothing to print."""


def answer_once(
    chat: Chat, prompt: str | None, interrupts: Interrupts, out: Output, err: Output, *, raw: bool, json: bool
) -> int:
    """Answer the prompt, or without one go on with the turn that is not finished. The exit code.

    `raw` shows the Harmony stream and `json` every event and piece of text, instead of the answer.
    """
    if prompt is None and not chat.is_named:
        raise UsageError("there is nothing to answer: give a PROMPT, pipe one in, or run it in a terminal")
    if prompt is None and chat.is_new:
        raise UsageError(f"there is no session {chat.name!r} to go on with: give a PROMPT, or pipe one in")
    with interrupts.answering():
        conversation = chat.conversation()
        unfinished = next_step(conversation.state) is not None
        if prompt is None and not unfinished:
            raise UsageError(f"session {chat.name!r} has no unfinished turn: give a PROMPT, or pipe one in")
        if prompt is not None and unfinished:
            err.line("gptoss: the answer before this one was cut off and stays as it is", "notice")
        if not chat.is_named:
            err.line(f"gptoss: go on with this session by: {chat.resume_command}", "dim")
        display: Screen = chat.display(out, err, hint=f", go on by: {chat.resume_command}")
        if raw or json:
            display = JsonLines(out) if json else chat.raw(out)
        watch(conversation.proceed() if prompt is None else conversation.say(prompt), display, own=json)
        return INTERRUPTED if interrupts() else _outcome(conversation)


def _outcome(conversation: Conversation) -> int:
    """0 for an answer; what stands in its way is raised."""
    generation, last = conversation.state.generation, conversation.state.last
    cut = generation is not None and generation.finished is not None and generation.finished.reason == "length"
    if generation is not None and cut:
        sampled = len(generation.ids) - generation.inherited
        if generation.started.prompt_length + sampled >= conversation.context:
            raise ContextFull(
                f"the context of {conversation.context} tokens is full and the answer was cut off: "
                "start a new session, or give it more with --context"
            )
    if last is None or not last.message.is_final:
        raise NoAnswer(
            "--max-tokens ended the turn before its answer began: allow more"
            if cut
            else "the model ended its turn without an answer: ask again, or in other words"
        )
    return 0
