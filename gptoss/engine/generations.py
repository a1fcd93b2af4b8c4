"""The generations of a history, each with the prompt that its model was given.

What was asked of a model and what it answered is all in the log, so it can be asked again (`gptoss.engine.rerunning`)
or judged by another (`gptoss.engine.scoring`).
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from gptoss.engine.errors import HistoryError
from gptoss.engine.events import GenerationFinished, GenerationStarted, StoredEvent, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.reducer import reduce
from gptoss.engine.rendering import Prompt, render_continuation, render_prompt
from gptoss.engine.state import State


class RecordedGeneration(Struct, frozen=True, kw_only=True):
    """A model call: what it was asked and what it sampled.

    `prompt` is derived from the events before it; `ids` are the tokens of this call alone, so for one that goes on with
    another the prompt ends with what was there. `logprobs`, if they were recorded, are one for each of `ids`.
    """

    seq: int
    turn: int
    started: GenerationStarted
    prompt: Prompt
    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] | None = None
    finished: GenerationFinished | None = None


def prompt_of(state: State, harmony: Harmony) -> Prompt:
    """The prompt that the model sees next, or sees now while a generation runs or waits to be continued."""
    generation = state.generation
    if generation is None or (generation.finished is not None and generation.finished.reason == "stop"):
        return render_prompt(state, harmony)
    return render_continuation(state, generation, harmony)


def recorded_generations(history: Iterable[StoredEvent], harmony: Harmony) -> Iterator[RecordedGeneration]:
    """All generations of a branch's history, oldest first; lazy.

    Those whose question or answer was redacted are left out. HistoryError for one whose prompt can no longer be derived
    although nothing was: nothing can be said about a question that is not known.
    """
    state: State | None = None
    current: RecordedGeneration | None = None
    redacted = False
    for stored in history:
        event = stored.event
        redacted |= stored.redacted
        if isinstance(event, GenerationStarted) and current is not None:
            yield current
            current = None
        state = reduce(state, stored)
        if isinstance(event, GenerationStarted):
            prompt = prompt_of(state, harmony)
            if prompt.hash != event.prompt_hash:
                if redacted:
                    continue
                raise HistoryError(
                    f"the prompt of the generation at event {stored.seq} cannot be derived again: "
                    "`gptoss verify` says where the history and this release differ"
                )
            current = RecordedGeneration(seq=stored.seq, turn=state.turn, started=event, prompt=prompt)
        elif isinstance(event, TokensSampled) and stored.redacted:
            current = None
        elif isinstance(event, TokensSampled) and current is not None:
            logprobs = (*(current.logprobs or ()), *event.logprobs) if event.logprobs else current.logprobs
            current = replace(current, ids=current.ids + event.ids, logprobs=logprobs)
        elif isinstance(event, GenerationFinished) and current is not None:
            yield replace(current, finished=event)
            current = None
    if current is not None:
        yield current
