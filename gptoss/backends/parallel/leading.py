"""The `TokenGenerator` of rank 0: whatever it is asked, all ranks do."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from gptoss.backends.answering import NothingKept
from gptoss.backends.opening import open_generator
from gptoss.backends.parallel.crew import AFTER, Crew
from gptoss.backends.parallel.group import Group
from gptoss.backends.parallel.wire import Begin, Close, End, Frame, Open, Opened, Refused, Score, Step
from gptoss.engine.errors import BackendError, GenerationFailed, GptossError, RankLost
from gptoss.engine.ports import Cancelled, TokenChunk, TokenGenerator, TokenScore
from gptoss.engine.progress import Progress, untold
from gptoss.engine.settings import Sampling

T = TypeVar("T")


class LeadingGenerator(NothingKept):
    """Rank 0's own part of a model, and the orders that keep the others' in step with it.

    The others take a step when this one does, and stop where it stops: between two steps, so that none is left waiting.
    They are told what was drawn, and say so if it is not what they drew. Errors: RankLost and RankDrifted besides those
    of the port; after one of them nothing works any more. Nothing is computed ahead: if a rank was lost meanwhile,
    nobody would be there who waits for an answer and could be told.
    """

    def __init__(self, crew: Crew, number: int, own: TokenGenerator) -> None:
        """`number` is what the crew calls the model; all of it have it loaded."""
        self._crew = crew
        self._number = number
        self._own = own
        self._answer = 0
        self._running = False
        self._last: tuple[int, ...] = ()
        self.name = own.name
        self.fingerprint = own.fingerprint
        self.arithmetic = f"{own.arithmetic}, on {len(crew.members) + 1} ranks"  # which sum in another order
        self.max_context = own.max_context

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`."""
        self._end()
        self._crew.tell(Begin(self._number, tuple(prompt), sampling, stop_ids))
        self._answer += 1
        self._running, self._last, answer = True, (), self._answer
        steps = self._own.generate(prompt, sampling, stop_ids, lambda: False)
        try:
            while not cancelled():
                if answer != self._answer:
                    raise GenerationFailed("this answer ended because another one was begun on the same generator")
                chunk = self._together(Step(self._number, self._last), lambda: next(steps, None))
                if chunk is None:
                    self._running = False
                    return
                self._last = chunk.ids
                yield chunk
        finally:
            if answer == self._answer:
                self._end()

    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """See `gptoss.engine.ports.TokenGenerator`."""
        self._end()
        return self._together(Score(self._number, tuple(ids), start), lambda: self._own.score(ids, start))

    def close(self) -> None:
        self._end()
        self._crew.say(Close(self._number))
        self._own.close()

    def _end(self) -> None:
        """Tell the others that an answer that runs will not go on."""
        if self._running:
            self._running = False
            self._crew.say(End(self._number, self._last))

    def _together(self, order: Frame, act: Callable[[], T]) -> T:
        """Give an order and act by it. An error that all ranks have leaves them in step."""
        self._crew.tell(order)
        try:
            return act()
        except GptossError as error:
            self._running = False
            if not self._crew.all_failed():
                self._crew.fail(RankLost(f"rank 0 failed: {error}; {AFTER}"))
                self._crew.check()
            raise
        except BaseException:  # the user does not wait for the end of the step
            self._running = False
            self._crew.leave()
            raise


def open_together(
    crew: Crew, group: Group, backend: str, checkpoint: Path, progress: Progress = untold
) -> LeadingGenerator:
    """Have every rank load its part. CheckpointError or BackendError says what is wrong, and on which rank."""
    number = crew.number()
    crew.tell(Open(number, backend, str(checkpoint)))
    own: TokenGenerator | None = None
    failure: GptossError | None = None
    try:
        try:
            own = open_generator(backend, checkpoint, group=group, progress=progress)
        except GptossError as error:
            failure = error
        for member in crew.members:
            answer = crew.answer(member)
            if own is not None and failure is None:
                failure = _difference(member.name, answer, own)
    except BaseException:
        crew.leave()
        raise
    if own is not None and failure is None:
        return LeadingGenerator(crew, number, own)
    crew.say(Close(number))
    if own is not None:
        own.close()
    raise failure or BackendError("no model was loaded")


def _difference(name: str, answer: Frame, own: TokenGenerator) -> BackendError | None:
    """Why a rank is of no use beside this one."""
    if isinstance(answer, Refused):
        return BackendError(f"{name} cannot load its part: {answer.problem}")
    if not isinstance(answer, Opened) or answer.fingerprint != own.fingerprint:
        return BackendError(f"{name} has another checkpoint at the same path: copy the one of rank 0 to its machine")
    if answer.arithmetic != own.arithmetic:
        return BackendError(
            f"{name} computes otherwise ({answer.arithmetic}) than rank 0 ({own.arithmetic}): set GPTOSS_KERNELS to "
            "what both machines can do, and GPTOSS_DENSE alike"
        )
    return None
