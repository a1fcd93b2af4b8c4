"""The endings of what never ended.

A process that was killed leaves a generation without its GenerationFinished or a tool call without its ToolReturned.
Whoever opens the branch next for writing appends the missing ending first, so that no session is ever stuck.
"""

from gptoss.engine.events import Event, GenerationFinished, MessageAppended, ParseRecovered, ToolReturned
from gptoss.engine.message import Message
from gptoss.engine.parsing import Malformed, MessageParsed, Parser, ParseUpdate, TokenBytes
from gptoss.engine.state import Generation, State
from gptoss.engine.tokens import STOP_IDS


def missing_endings(state: State, encoding: TokenBytes) -> list[Event]:
    """What must be appended before anything else; empty when all has ended."""
    generation = state.generation
    if generation is not None and generation.finished is None:
        return _end_generation(generation, encoding)
    if state.call is not None:
        text = (
            "Error: the program was stopped while this tool ran. Whether the call took effect is unknown; "
            "check before you repeat it."
        )
        message = tool_message(state.call.called.recipient, text, _channel_of_call(state))
        return [ToolReturned(call=state.call.seq, outcome="crashed"), MessageAppended(message=message)]
    return []


def reopen_parser(state: State, generation: Generation, encoding: TokenBytes) -> tuple[Parser, list[ParseUpdate]]:
    """A parser that has read all tokens of a generation, and what it said after the last message in the log."""
    recorded = sum(1 for entry in state.entries if entry.seq > generation.origin and not entry.partial)
    parser = Parser(encoding)
    updates: list[ParseUpdate] = []
    for token in generation.ids:
        for update in parser.push(token):
            updates.append(update)
            if recorded and isinstance(update, MessageParsed):
                recorded -= 1
                updates.clear()
    return parser, updates


def event_of(update: MessageParsed | Malformed, generation: int) -> Event:
    """The event that records what a parser found in the generation that started at seq `generation`."""
    if isinstance(update, Malformed):
        return ParseRecovered(generation=generation, span=update.span, problem=update.problem)
    return MessageAppended(message=update.message, generation=generation, span=update.span, partial=update.partial)


def tool_message(recipient: str, text: str, channel: str | None) -> Message:
    """A tool's result: from the tool, to the assistant, on the channel of the call."""
    return Message(role="tool", name=recipient, recipient="assistant", channel=channel, content=text)


def _end_generation(generation: Generation, encoding: TokenBytes) -> list[Event]:
    parser = Parser(encoding)
    updates: list[ParseUpdate] = []
    for index, token in enumerate(generation.ids):
        found = parser.push(token)
        updates += found if index >= generation.inherited else []
    last = generation.ids[-1] if generation.ids else None
    ended = last in STOP_IDS
    if not ended:
        updates += parser.finish()
    events = [event_of(update, generation.seq) for update in updates if isinstance(update, MessageParsed | Malformed)]
    # A fork may begin between the events of one transaction, so any number of these may have been recorded.
    events = events[generation.found :]
    # All tokens may have reached the log and only the ending not: then the answer is whole.
    finished = GenerationFinished(reason="stop", stop_token=last) if ended else GenerationFinished(reason="crashed")
    return [*events, finished]


def _channel_of_call(state: State) -> str | None:
    return next((entry.message.channel for entry in reversed(state.entries[:]) if entry.message.is_tool_call), None)
