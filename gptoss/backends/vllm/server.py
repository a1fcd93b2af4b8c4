"""The `TokenGenerator` port over a vLLM server's completions endpoint: token ids in, token ids out.

The server has the weights and the cache, and serves many at once. It tells little of itself: the name of its model and
the size of its context, and how much of a prompt was cached, at the end of an answer and only if it was started with
`--enable-prompt-tokens-details`.
"""

import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gptoss.backends.answering import NothingKept
from gptoss.backends.parameters import check, most_tokens
from gptoss.backends.vllm.asking import TOP, drawing, parameters
from gptoss.backends.vllm.scores import score_of
from gptoss.backends.vllm.transport import EventStream, HttpServer, Refused, Unreachable, complaint
from gptoss.engine.errors import BackendError, ContextFull, GenerationFailed
from gptoss.engine.ports import Cancelled, TokenChunk, TokenScore
from gptoss.engine.settings import Sampling

FINGERPRINT = "gptoss:"
"""What the second name of a served model begins with, when gptoss started the server; its fingerprint follows."""

POLL = 0.05
"""Seconds between two looks at `cancelled` while the server computes."""

WAITS = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further attempt to reach the server, as long as it has not begun to answer."""

_PASSING = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)


class ServerGenerator(NothingKept):
    """The first model that a server has. Answers may overlap."""

    name = "vllm"
    arithmetic = "vLLM, on a server"

    def __init__(self, server: HttpServer) -> None:
        """Ask the server for its model. BackendError says why that cannot be."""
        self._server = server
        models = self._models()
        self._model: str = models[0]["id"]
        names = [str(model["id"]) for model in models]
        known = [name.removeprefix(FINGERPRINT) for name in names if name.startswith(FINGERPRINT)]
        self.fingerprint = known[0] if known else f"served:{self._model}"
        self.max_context = int(models[0]["max_model_len"])
        root = models[0].get("root")
        self.folder = Path(root) if root and Path(root).is_dir() else None
        """Where the server's checkpoint is, if that is on this machine."""

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        """See `gptoss.engine.ports.TokenGenerator`; parameters that mean nothing raise UsageError.

        A server that cannot be reached is tried again until its first token, never after it.
        """
        check(sampling)
        ids = self._checked(prompt)
        left = most_tokens(sampling, self.max_context - len(ids))
        if left <= 0 or cancelled():
            return
        body = self._body(ids) | parameters(sampling, stop_ids, left)
        body |= {"stream": True, "stream_options": {"include_usage": True}, "vllm_xargs": drawing(sampling) or None}
        for wait in (*WAITS, None):
            begun = False
            try:
                for chunk in self._answer(body, len(ids), sampling.logprobs, cancelled):
                    begun = begun or bool(chunk.ids)
                    yield chunk
            except (Unreachable, Refused) as error:
                passing = isinstance(error, Unreachable) or error.status in _PASSING
                if begun or wait is None or not passing:
                    raise self._failed(error, begun) from error
                if _slept(wait, cancelled):
                    return
            else:
                return

    def score(self, ids: Sequence[int], start: int = 1) -> list[TokenScore]:
        """See `gptoss.engine.ports.TokenGenerator`. The entropy is a lower bound, see `gptoss.backends.vllm.scores`."""
        ids = self._checked(ids) if ids else []
        if len(ids) <= start:
            return []
        if len(ids) == self.max_context:
            raise ContextFull(f"vLLM scores up to {self.max_context - 1} tokens, and these are {len(ids)}")
        body = self._body(ids) | {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": TOP}
        try:
            choice = self._server.post("/v1/completions", body)["choices"][0]
            positions = choice["prompt_logprobs"][start:]
        except (Unreachable, Refused) as error:
            raise self._failed(error, begun=False) from error
        except (LookupError, TypeError) as error:
            raise GenerationFailed(f"the server at {self._server.url} gives no log probabilities of prompts") from error
        given = [
            {int(token): (float(found["logprob"]), int(found["rank"])) for token, found in position.items()}
            for position in positions
            if position is not None
        ]
        return [score_of(token, position, TOP) for token, position in zip(ids[start:], given, strict=True)]

    def close(self) -> None:
        """Nothing is held: every answer has a connection of its own."""

    def _models(self) -> list[dict[str, Any]]:
        url = self._server.url
        try:
            models: list[dict[str, Any]] = self._server.get("/v1/models")["data"]
            int(models[0]["max_model_len"])
        except Unreachable as error:
            raise BackendError(f"no server answers at {url} ({error}): is it running there?") from error
        except Refused as error:
            if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise BackendError(
                    f"the server at {url} does not accept the key: set VLLM_API_KEY to its own"
                ) from error
            raise BackendError(f"there is no vLLM server at {url} ({error}): check the address") from error
        except (LookupError, TypeError, ValueError) as error:
            raise BackendError(f"what answers at {url} is no vLLM server: check the address") from error
        return models

    def _body(self, ids: list[int]) -> dict[str, Any]:
        return {
            "model": self._model,
            "prompt": ids,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
            "add_special_tokens": False,
        }

    def _answer(
        self, body: dict[str, Any], prompt_length: int, logprobs: bool, cancelled: Cancelled
    ) -> Iterator[TokenChunk]:
        stream = self._server.stream("/v1/completions", body)
        try:
            # The last chunk waits for the count of cached tokens, which comes right behind it.
            last: TokenChunk | None = None
            while not cancelled():
                event = stream.next(POLL)
                if event is EventStream.END:
                    break
                if event is None:
                    continue
                if "error" in event:
                    raise Refused(500, complaint(event))
                for choice in event["choices"]:
                    chunk = _chunk(choice, logprobs)
                    if choice["finish_reason"] is None:
                        yield chunk
                    else:
                        last = chunk
                details = (event.get("usage") or {}).get("prompt_tokens_details")
                if details is not None and last is not None:
                    cached = details.get("cached_tokens") or 0
                    last = replace(last, prefilled=prompt_length - cached, cached=cached)
            if last is not None:
                yield last
        except (LookupError, TypeError) as error:
            raise Refused(500, "it answers without token ids: it is too old, or no vLLM") from error
        finally:
            stream.close()

    def _failed(self, error: Unreachable | Refused, begun: bool) -> GenerationFailed:
        url = self._server.url
        if begun:
            return GenerationFailed(
                f"the server at {url} broke off in the middle ({error}): what was said is kept, go on when it is back"
            )
        if isinstance(error, Unreachable):
            return GenerationFailed(f"the server at {url} does not answer ({error}): go on when it is back")
        if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return GenerationFailed(f"the server at {url} does not accept the key: set VLLM_API_KEY to its own")
        return GenerationFailed(f"the server at {url} refused the prompt ({error}): does it serve a gpt-oss model?")

    def _checked(self, ids: Sequence[int]) -> list[int]:
        if not ids:
            raise GenerationFailed("a prompt needs at least one token")
        if len(ids) > self.max_context:
            raise ContextFull(f"the prompt has {len(ids)} tokens and this model takes {self.max_context}")
        return list(ids)


def _chunk(choice: dict[str, Any], logprobs: bool) -> TokenChunk:
    ids = tuple(choice["token_ids"])
    if not logprobs:
        return TokenChunk(ids=ids)
    return TokenChunk(ids=ids, logprobs=tuple(min(value, 0.0) for value in choice["logprobs"]["token_logprobs"]))


def _slept(seconds: float, cancelled: Cancelled) -> bool:
    """Wait; True when it was cancelled meanwhile."""
    end = time.monotonic() + seconds
    while not cancelled():
        left = end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(left, POLL))
    return True
