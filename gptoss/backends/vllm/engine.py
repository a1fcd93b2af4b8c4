"""The `TokenGenerator` port over vLLM's engine, which runs in processes of its own and ends with this one."""

import asyncio
import os
from collections.abc import Awaitable, Iterator, Sequence
from itertools import count
from typing import Any, NoReturn, TypeVar

from vllm import AsyncEngineArgs, SamplingParams
from vllm.outputs import RequestOutput
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM

from gptoss.backends.answering import NothingKept, checked_ids
from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.parameters import check, most_tokens
from gptoss.backends.vllm.arguments import engine_arguments, parsed
from gptoss.backends.vllm.asking import TOP, drawing, parameters
from gptoss.backends.vllm.child import ROOT
from gptoss.backends.vllm.folder import loadable
from gptoss.backends.vllm.opening import ENVIRONMENT
from gptoss.backends.vllm.options import Report, VllmOptions
from gptoss.backends.vllm.quiet import VllmLog
from gptoss.backends.vllm.scores import score_of
from gptoss.engine.errors import BackendError, ContextFull, GenerationFailed, GptossError
from gptoss.engine.ports import Cancelled, TokenChunk, TokenScore
from gptoss.engine.settings import Sampling

POLL = 0.05
"""Seconds between two looks at `cancelled` while vLLM computes."""

GRACE = 0.2
"""Seconds that vLLM's processes have to end by themselves."""

T = TypeVar("T")


class VllmGenerator(NothingKept):
    """A checkpoint in vLLM's engine. Answers may overlap: the engine computes them together."""

    name = "vllm"
    arithmetic = "vLLM"

    def __init__(self, checkpoint: Checkpoint, options: VllmOptions, log: VllmLog, report: Report) -> None:
        """Start the engine, which takes half a minute and more. CheckpointError or BackendError says what is wrong."""
        self.fingerprint = checkpoint.fingerprint
        self._vocabulary = checkpoint.config.vocab_size
        on_cpu = current_platform.is_cpu()
        folder = loadable(checkpoint, options.cache, on_cpu=on_cpu, report=report)
        arguments = parsed(engine_arguments(folder, options.command_line, on_cpu=on_cpu))
        # vLLM's own seeded sampling is the fallback where no logits processor may run.
        self._draws = bool(arguments.logits_processors)
        self._log = log
        self._loop = asyncio.new_event_loop()
        self._requests = count(1)
        report("starting vLLM …")
        self._engine: AsyncLLM | None = self._start(arguments)
        self.max_context: int = self._engine.model_config.max_model_len

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`; parameters that mean nothing raise UsageError."""
        check(sampling)
        # One id beyond the engine's embeddings would end it for everybody.
        ids = checked_ids(prompt, self._vocabulary, self.max_context)
        left = most_tokens(sampling, self.max_context - len(ids))
        if left <= 0 or cancelled():
            return
        asked = parameters(sampling, stop_ids, left)
        if self._draws:
            # What is drawn is the only token left, which greedy sampling finds at once.
            asked |= {"temperature": 0.0, "top_p": 1.0, "seed": None, "extra_args": drawing(sampling)}
        begun = False
        for output in self._outputs(ids, SamplingParams(output_kind=RequestOutputKind.DELTA, **asked), cancelled):
            (answer,) = output.outputs
            cached = output.num_cached_tokens or 0
            yield TokenChunk(
                ids=tuple(answer.token_ids),
                prefilled=0 if begun else len(ids) - cached,
                cached=0 if begun else cached,
                logprobs=_logprobs(answer) if sampling.logprobs else None,
            )
            begun = True

    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """See `gptoss.engine.ports.TokenGenerator`. The entropy is a lower bound, see `gptoss.backends.vllm.scores`.

        vLLM computes every position of a prompt that it is to score, whatever is cached.
        """
        ids = checked_ids(ids, self._vocabulary, self.max_context) if ids else []
        if len(ids) <= start:
            return []
        if len(ids) == self.max_context:
            raise ContextFull(f"vLLM scores up to {self.max_context - 1} tokens, and these are {len(ids)}")
        params = SamplingParams(
            output_kind=RequestOutputKind.FINAL_ONLY, max_tokens=1, temperature=0.0, prompt_logprobs=TOP
        )
        (output,) = self._outputs(ids, params, lambda: False)
        given = [
            {token: (found.logprob, found.rank or 1) for token, found in position.items()}
            for position in (output.prompt_logprobs or [])[start:]
            if position is not None
        ]
        return [score_of(token, position, TOP) for token, position in zip(ids[start:], given, strict=True)]

    def close(self) -> None:
        """End the engine's processes; the generator is of no use afterwards."""
        engine, self._engine = self._engine, None
        if engine is not None:
            with self._log.taking({}):
                # Nothing of what its processes hold is worth waiting for; they take 5 s to end by themselves.
                engine.shutdown(timeout=GRACE)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _start(self, arguments: AsyncEngineArgs) -> AsyncLLM:
        async def start() -> AsyncLLM:
            # What vLLM takes by default for an engine within a program: a prompt goes through in pieces of up to 16,384
            # tokens where a GPU has the memory for it, and not of 2,048.
            return AsyncLLM.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS)

        with self._log.taking(ENVIRONMENT | {ROOT: str(os.getpid())}):
            try:
                return self._run(start())
            except Exception as error:
                self._loop.close()
                raise BackendError(
                    f"vLLM could not start ({self._log.cause(error)}); what it said is in {self._log.path}"
                ) from error

    def _outputs(self, ids: list[int], params: SamplingParams, cancelled: Cancelled) -> Iterator[RequestOutput]:
        """What vLLM gives for one request, until it ends, is cancelled, or the iterator is closed."""
        engine = self._engine
        if engine is None:
            raise GenerationFailed("this generator was closed")
        arrived: asyncio.Queue[RequestOutput | BaseException | None] = asyncio.Queue()

        async def receive() -> None:
            try:
                request = f"gptoss-{next(self._requests)}"
                async for output in engine.generate({"prompt_token_ids": ids}, params, request):
                    arrived.put_nowait(output)
                arrived.put_nowait(None)
            except Exception as error:  # noqa: BLE001  raised again by whoever waits
                arrived.put_nowait(error)

        receiver = self._loop.create_task(receive())
        try:
            while not cancelled():
                if (item := self._run(_within(arrived, POLL))) is _NOTHING:
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    self._fail(item)
                yield item
        finally:
            # Cancelling makes vLLM abort the request: its engine is idle again after the step it is in.
            receiver.cancel()
            self._run(asyncio.wait([receiver]))

    def _run(self, wanted: Awaitable[T]) -> T:
        return self._loop.run_until_complete(wanted)

    def _fail(self, error: BaseException) -> NoReturn:
        if isinstance(error, GptossError):
            raise error
        raise GenerationFailed(f"vLLM failed ({error}); what it said is in {self._log.path}") from error


_NOTHING: Any = object()


async def _within(queue: "asyncio.Queue[Any]", seconds: float) -> Any:
    """The next item, or `_NOTHING` if none comes in time."""
    if not queue.empty():
        return queue.get_nowait()
    try:
        return await asyncio.wait_for(queue.get(), seconds)
    except TimeoutError:
        return _NOTHING


def _logprobs(answer: Any) -> tuple[float, ...]:
    return tuple(
        min(given[token].logprob, 0.0) for token, given in zip(answer.token_ids, answer.logprobs or (), strict=True)
    )
