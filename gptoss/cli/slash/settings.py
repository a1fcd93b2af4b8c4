"""How the model answers, how that is shown, and what it took. Each docstring is the command's help."""

from typing import get_args

from msgspec.structs import replace

from gptoss.cli.slash.dialogue import Dialogue
from gptoss.cli.watching import tokens_per_second
from gptoss.engine.errors import UsageError
from gptoss.engine.settings import ReasoningEffort


def effort(dialogue: Dialogue, argument: str) -> None:
    """[low|medium|high] · how much the model thinks"""
    chat, efforts = dialogue.chat, get_args(ReasoningEffort)
    if argument and argument not in efforts:
        raise UsageError(f"/effort is {', '.join(efforts)}, not {argument!r}")
    if argument:
        chat.change(replace(chat.settings, reasoning_effort=argument))
    dialogue.display.notice(f"Reasoning effort: {chat.settings.reasoning_effort}")


def tools(dialogue: Dialogue, argument: str) -> None:
    """[NAME on|off] · which tools the model has, or give it one or take it away"""
    chat, specs = dialogue.chat, dialogue.adapters.toolbox.specs()
    if argument:
        name, _, state = argument.partition(" ")
        if name not in specs or state not in ("on", "off"):
            raise UsageError(f"/tools takes one of {', '.join(specs)} and on or off, as in /tools python on")
        others = tuple(spec for spec in chat.settings.tools if spec.name != name)
        wanted = {spec.name for spec in others} | ({name} if state == "on" else set())
        chat.change(replace(chat.settings, tools=tuple(spec for spec in specs.values() if spec.name in wanted)))
    has = {spec.name for spec in chat.settings.tools}
    dialogue.display.notice("Tools: " + ", ".join(f"{name} {'on' if name in has else 'off'}" for name in specs))


def think(dialogue: Dialogue, argument: str) -> None:
    """[show|hide] · whether to show what the model thinks; show unfolds the last thoughts that were hidden"""
    if argument not in ("", "show", "hide"):
        raise UsageError(f"/think is show or hide, not {argument!r}")
    if argument:
        dialogue.display.shows_reasoning = argument == "show"
    dialogue.display.notice(f"Reasoning is {'shown' if dialogue.display.shows_reasoning else 'hidden'}.")
    if argument == "show":
        dialogue.display.unfold()


def raw(dialogue: Dialogue, argument: str) -> None:
    """[on|off] · show the Harmony stream itself, as the model reads and writes it"""
    if argument not in ("", "on", "off"):
        raise UsageError(f"/raw is on or off, not {argument!r}")
    is_on = dialogue.raw(argument == "on" if argument else None)
    dialogue.display.notice(f"Raw mode is {'on' if is_on else 'off'}.")


def tokens(dialogue: Dialogue, argument: str) -> None:
    """how much of the context is used, and how fast the last answer came"""
    state = dialogue.existing()
    conversation = dialogue.chat.conversation()
    used = dialogue.chat.used_tokens()
    turns = f"{state.turn} {'turn' if state.turn == 1 else 'turns'}"
    dialogue.out.line(f"{used:,} of {conversation.context:,} tokens are used; {turns}")
    finished = state.generation.finished if state.generation else None
    if state.generation is not None and finished is not None:
        count = len(state.generation.ids) - state.generation.inherited
        rate = tokens_per_second(state)
        dialogue.out.sentence(
            f"last answer: {finished.prefilled} prompt tokens computed, first token after "
            f"{finished.first_token_ms} ms, {count} tokens" + (f" at {rate:.0f} a second" if rate else "")
        )


def system(dialogue: Dialogue, argument: str) -> None:
    """[TEXT|off] · the developer message: instructions that stand above all that you say"""
    chat = dialogue.chat
    if argument:
        chat.change(replace(chat.settings, developer_message=None if argument == "off" else argument))
    message = chat.settings.developer_message
    dialogue.display.notice(f"Developer message: {message}" if message else "There is no developer message.")


def copy(dialogue: Dialogue, argument: str) -> None:
    """put the last answer into the clipboard (OSC 52: the terminal must allow it)"""
    answers = [entry.message for entry in dialogue.existing().entries if entry.message.is_final]
    if not answers:
        raise UsageError("there is no answer to copy yet")
    dialogue.out.copy(answers[-1].content)
    dialogue.display.notice("The last answer is in the clipboard, if this terminal allows it.")
