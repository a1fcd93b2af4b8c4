"""`gptoss replay --state` and `--diff`: what a history folds to, and the prompt that a model sees there."""

from typing import Any

import msgspec

from gptoss.cli.output import Output, Style
from gptoss.cli.widths import fitted, padded
from gptoss.engine.generations import prompt_of
from gptoss.engine.harmony import Harmony
from gptoss.engine.prefix import common_prefix
from gptoss.engine.rendering import Prompt, Segment, rendering_rules
from gptoss.engine.settings import Settings
from gptoss.engine.state import Entry, State

TEXT = 60
"""Columns for the beginning of a message."""

_STYLES: dict[str, Style] = {"system": "dim", "developer": "dim", "cue": "bold", "sampled": "tool"}


def show_state(state: State, harmony: Harmony, out: Output, *, as_json: bool) -> None:
    """The folded state, each message with its place in the prompt, and the prompt itself, token for token."""
    prompt = prompt_of(state, harmony)
    if as_json:
        facts = {
            "state": _about(state),
            "messages": _messages(state, prompt),
            "prompt": _prompt(state, prompt, harmony),
        }
        out.write(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n")
        return
    _facts(state, out)
    _table(state, prompt, out)
    seen = "saw" if state.generation is not None and state.generation.finished is None else "would see"
    out.line()
    out.line(
        f"prompt that a model {seen} here: {len(prompt.ids)} tokens, hash {prompt.hash}, "
        f"rules {rendering_rules(state.settings)}",
        "bold",
    )
    for segment in prompt.segments:
        out.write(harmony.decode(segment.ids), _STYLES.get(segment.source, "plain"))
    out.end_line()


def show_difference(one: State, other: State, harmony: Harmony, out: Output) -> None:
    """What changed from one state to the other: settings, messages, the prompt."""
    out.line(f"from event {one.seq} to event {other.seq}", "bold")
    for field in Settings.__struct_fields__:
        before, after = getattr(one.settings, field), getattr(other.settings, field)
        if before != after:
            out.line(f"  {field}: {before} → {after}")
    if one.name != other.name:
        out.line(f"  name: {one.name} → {other.name}")
    if one.turn != other.turn:
        out.line(f"  turn: {one.turn} → {other.turn}")
    shared = common_prefix(one.entries[:], other.entries[:])
    for mark, entries in (("-", one.entries[shared:]), ("+", other.entries[shared:])):
        for entry in entries:
            out.line(f"  {mark} {entry.seq} {_who(entry)}: {_beginning(entry)}", "error" if mark == "-" else "tool")
    before_prompt, after_prompt = prompt_of(one, harmony), prompt_of(other, harmony)
    same = common_prefix(before_prompt.ids, after_prompt.ids)
    out.line()
    out.line(
        f"prompt: {len(before_prompt.ids)} → {len(after_prompt.ids)} tokens, the first {same} are the same", "bold"
    )
    for mark, ids in (("-", before_prompt.ids[same:]), ("+", after_prompt.ids[same:])):
        if ids:
            out.line(f"  {mark} {len(ids)} tokens: {harmony.decode(ids)!r}", "error" if mark == "-" else "tool")


def _facts(state: State, out: Output) -> None:
    settings = state.settings
    rows = {
        "session": state.name,
        "event": str(state.seq),
        "turn": str(state.turn),
        "reasoning": settings.reasoning_effort,
        "context": f"{settings.context} tokens, {settings.context_policy}",
        "tools": ", ".join(tool.name for tool in settings.tools) or "none",
        "generation": _generation(state),
        "tool call": state.call and f"{state.call.called.recipient}, under way since event {state.call.seq}",
        "trimmed": f"messages up to event {state.trimmed}" if state.trimmed else None,
        "kept files": ", ".join(artefact.name for artefact in state.artefacts) or None,
    }
    for label, value in rows.items():
        if value:
            out.write(f"{label:<13}", "dim")
            out.write(value + "\n")


def _generation(state: State) -> str | None:
    generation = state.generation
    if generation is None:
        return None
    ending = generation.finished.reason if generation.finished else "under way"
    return f"event {generation.seq}, {generation.started.backend}, {len(generation.ids)} tokens, {ending}"


def _table(state: State, prompt: Prompt, out: Output) -> None:
    if not state.entries:
        return
    rows = [
        (str(row["seq"]), str(row["turn"]), row["who"], str(row["tokens"]), row["in_prompt"], row["text"])
        for row in _messages(state, prompt)
    ]
    names = ("EVENT", "TURN", "WHO", "TOKENS", "IN THE PROMPT", "TEXT")
    widths = [max(len(name), *(len(row[n]) for row in rows)) for n, name in enumerate(names[:-1])]
    out.line()
    for row in (names, *rows):
        cells = [padded(cell, width) for cell, width in zip(row[:-1], widths, strict=True)]
        line = "  ".join([*cells, fitted(" ".join(row[-1].split()), TEXT)])
        out.line(fitted(line, out.width) if out.is_terminal else line, "dim" if row is names else "plain")


def _about(state: State) -> dict[str, Any]:
    generation = state.generation
    return {
        "session": state.name,
        "seq": state.seq,
        "turn": state.turn,
        "settings": state.settings,
        "trimmed": state.trimmed,
        "generation": generation
        and {
            "seq": generation.seq,
            "origin": generation.origin,
            "tokens": len(generation.ids),
            "started": generation.started,
            "finished": generation.finished,
        },
        "tool_call": state.call,
        "artefacts": state.artefacts[:],
    }


def _messages(state: State, prompt: Prompt) -> list[dict[str, Any]]:
    tokens = {segment.seq: len(segment.ids) for segment in prompt.segments if segment.source != "cue"}
    return [
        {
            "seq": entry.seq,
            "turn": entry.turn,
            "who": _who(entry),
            "tokens": tokens.get(entry.seq, 0),
            "in_prompt": _place(entry, prompt, tokens),
            "text": entry.message.content,
        }
        for entry in state.entries
    ]


def _place(entry: Entry, prompt: Prompt, tokens: dict[int | None, int]) -> str:
    if entry.seq in tokens:
        return "yes"
    # What a generation that is under way has written stands in its own tokens.
    reason = prompt.reason(entry.seq)
    return "being written" if reason is None else f"no: {reason}"


def _prompt(state: State, prompt: Prompt, harmony: Harmony) -> dict[str, Any]:
    def about(segment: Segment) -> dict[str, Any]:
        return {
            "seq": segment.seq,
            "source": segment.source,
            "ids": segment.ids,
            "text": harmony.decode(segment.ids),
        }

    return {
        "tokens": len(prompt.ids),
        "hash": prompt.hash,
        "rules": rendering_rules(state.settings),
        "segments": [about(segment) for segment in prompt.segments],
        "dropped": prompt.dropped,
    }


def _who(entry: Entry) -> str:
    message = entry.message
    who = message.name or message.role
    if message.role == "assistant":
        who = message.channel or "assistant"
        if message.recipient:
            who += f" → {message.recipient}"
    return who + (" (cut off)" if entry.partial else "")


def _beginning(entry: Entry) -> str:
    return fitted(" ".join(entry.message.content.split()), TEXT)
