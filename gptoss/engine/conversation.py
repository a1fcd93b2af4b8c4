"""A session opened for writing: what the user says goes in, the turn comes out.

The loop of a turn has no memory of its own. `next_step` looks at the state that the log folds to and says what is to be
done; doing it appends events, which make the next state. So going on after a crash is the same loop, entered again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Literal

from msgspec.structs import replace

from gptoss.engine.errors import ContextFull, HistoryError
from gptoss.engine.events import (
    GenerationStarted,
    MessageAppended,
    SettingsChanged,
    StoredEvent,
    ToolCalled,
    ToolReturned,
)
from gptoss.engine.foresight import with_message
from gptoss.engine.generating import GenerationRun
from gptoss.engine.harmony import Harmony
from gptoss.engine.journal import Journal
from gptoss.engine.message import Message
from gptoss.engine.parsing import MessageBegun, Parser, ParseUpdate, TextDelta
from gptoss.engine.ports import Cancelled, EventLog, TokenGenerator, Tool
from gptoss.engine.recovery import missing_endings, reopen_parser
from gptoss.engine.rendering import Prompt, render_continuation, render_prompt, rendering_rules
from gptoss.engine.settings import Sampling, Settings
from gptoss.engine.state import Generation, State
from gptoss.engine.tool_calls import ToolRunner
from gptoss.engine.trimming import trim
from gptoss.engine.updates import Update

Step = Literal["answer", "continue", "call"]


def next_step(state: State) -> Step | None:
    """What the turn needs next: a new generation, the rest of one that was cut off, a tool; None when it is over."""
    generation = state.generation
    if generation is not None and generation.finished is not None and generation.finished.reason != "stop":
        return "continue"
    last = state.last
    if last is None or last.message.role in ("system", "developer"):
        return None
    if last.message.role in ("user", "tool"):
        # A model that stopped without a message has had its turn; asking again would ask for ever.
        return None if generation is not None and generation.origin > last.seq else "answer"
    return "call" if last.message.is_tool_call and not last.partial else None


class Conversation:
    """A branch of a session, a model and tools.

    `cancelled` is asked after every token and while a tool runs. `seed` gives each new generation its seed, `sampling`
    holds the rest of how tokens are drawn. `recovered` are the endings that opening it had to append (see
    `gptoss.engine.recovery`). Not for threads. Raises what the log and the generator raise.
    """

    def __init__(
        self,
        log: EventLog,
        branch: str,
        *,
        harmony: Harmony,
        generator: TokenGenerator,
        seed: Callable[[], int],
        sampling: Sampling | None = None,
        tools: Mapping[str, Tool] | None = None,
        cancelled: Cancelled = lambda: False,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._journal = Journal(log, branch)
        self._harmony = harmony
        self._generator = generator
        self._seed = seed
        self._sampling = sampling or Sampling()
        self._tools = ToolRunner(tools or {}, cancelled)
        self._cancelled = cancelled
        self._clock = clock
        endings = missing_endings(self.state, harmony)
        self.recovered: Sequence[StoredEvent] = self._journal.append(*endings) if endings else ()

    @property
    def state(self) -> State:
        return self._journal.state

    @property
    def branch(self) -> str:
        return self._journal.branch

    @property
    def context(self) -> int:
        """The most tokens that prompt and answer may take together."""
        return min(self.state.settings.context, self._generator.max_context)

    def say(self, text: str) -> Iterator[Update]:
        """Append the user's message and run the turn that it begins.

        A message that leaves no room for an answer raises ContextFull before it is appended; the settings say whether
        earlier turns make room first.
        """
        # A lone surrogate, as a terminal may deliver it, is no text: neither JSON nor the tokens can hold it.
        text = text.encode("utf-8", "replace").decode()
        event = MessageAppended(message=Message(role="user", content=text))
        imagined = with_message(self.state, event, self._harmony, self.context)
        self._room(render_prompt(imagined, self._harmony))
        yield from self._journal.append(event)
        yield from self.proceed()

    def proceed(self) -> Iterator[Update]:
        """Go on with whatever the conversation needs next, until the turn is over or cut off.

        Closing the iterator interrupts; what was sampled is kept.
        """
        while step := next_step(self.state):
            if step == "call":
                yield from self._call_tool()
            else:
                yield from self._generate(self.state.generation if step == "continue" else None)
                if next_step(self.state) == "continue" and not self._may_go_on():
                    return
            if self._cancelled():
                return

    def change_settings(self, settings: Settings) -> None:
        """Append SettingsChanged, unless nothing changes."""
        if settings != self.state.settings:
            self._journal.append(SettingsChanged(settings=settings))

    def close(self) -> None:
        """Write what waits. The log, the generator and the tools belong to the caller."""
        self._journal.close()
        self._tools.close()

    def _generate(self, earlier: Generation | None) -> Iterator[Update]:
        """A new generation, or the continuation of an earlier one from its exact last token."""
        said: list[ParseUpdate] = []
        settings = self.state.settings if earlier is None else earlier.settings
        if earlier is None:
            parser = Parser(self._harmony)
            sampling = replace(self._sampling, seed=self._seed())
        else:
            parser, said = reopen_parser(self.state, earlier, self._harmony)
            sampling = _remaining(earlier, self._sampling)
        prompt = self._prompt(earlier)
        if cut := trim(self.state, prompt, self.context):
            yield from self._journal.append(cut)
            prompt = self._prompt(earlier)
        room = self._room(prompt)
        (started,) = self._journal.append(
            GenerationStarted(
                backend=self._generator.name,
                model=self._generator.fingerprint,
                sampling=sampling,
                prompt_length=len(prompt.ids),
                prompt_hash=prompt.hash,
                rendering=rendering_rules(settings),
                continues=earlier.seq if earlier else None,
                arithmetic=self._generator.arithmetic,
            )
        )
        yield started
        # A continuation begins with what the message that it goes on with has said so far.
        yield from (update for update in said if isinstance(update, MessageBegun | TextDelta))
        run = GenerationRun(self._journal, started.seq, parser, self._cancelled, self._clock)
        bounded = replace(sampling, max_tokens=min(room, sampling.max_tokens or room))
        yield from run.sample(self._generator, prompt.ids, bounded)

    def _prompt(self, earlier: Generation | None) -> Prompt:
        if earlier is None:
            return render_prompt(self.state, self._harmony)
        return render_continuation(self.state, earlier, self._harmony)

    def _may_go_on(self) -> bool:
        """Whether an answer was cut off by nothing but the context, and earlier turns can make room for its rest."""
        generation = self.state.generation
        if generation is None or generation.finished is None or generation.finished.reason != "length":
            return False
        prompt = self._prompt(generation)
        return len(prompt.ids) >= self.context and trim(self.state, prompt, self.context) is not None

    def _room(self, prompt: Prompt) -> int:
        """How many tokens may follow the prompt: at least one, or ContextFull."""
        room = self.context - len(prompt.ids)
        if room < 1:
            trims = self.state.settings.context_policy == "trim"
            raise ContextFull(
                f"the conversation takes {len(prompt.ids)} tokens and the context holds {self.context}: "
                "say less, or give it more with --context"
                if trims
                else f"the conversation takes {len(prompt.ids)} tokens and the context holds {self.context}: "
                "let old turns go with --context-policy trim, or give it more with --context"
            )
        return room

    def _call_tool(self) -> Iterator[Update]:
        entry = self.state.last
        if entry is None or entry.message.recipient is None:
            raise HistoryError("there is no tool call to run")
        (called,) = self._journal.append(ToolCalled(message=entry.seq, recipient=entry.message.recipient))
        yield called
        begun = self._clock()
        result = self._tools.run(self.state.session, entry.message, self.state.artefacts[:])
        returned = ToolReturned(
            call=called.seq,
            outcome=result.outcome,
            duration_ms=round((self._clock() - begun) * 1000),
            artefacts=result.artefacts,
        )
        yield from self._journal.append(returned, *(MessageAppended(message=message) for message in result.messages))


def _remaining(earlier: Generation, sampling: Sampling) -> Sampling:
    """The sampling of a generation for what is left of it; one that used up its tokens gets as many as a new one."""
    limit = earlier.started.sampling.max_tokens
    if limit is None:
        return earlier.started.sampling
    left = limit - (len(earlier.ids) - earlier.inherited)
    return replace(earlier.started.sampling, max_tokens=left if left > 0 else sampling.max_tokens)
