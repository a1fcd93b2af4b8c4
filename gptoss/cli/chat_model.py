"""The model that a chat talks to, and what it computes for the session besides answers."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

from msgspec.structs import replace

from gptoss.cli.ahead import head_start, lasting_prefix, next_prompt
from gptoss.cli.bootstrap import Adapters
from gptoss.cli.shelf import Shelf
from gptoss.engine.errors import GptossError
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import TokenGenerator
from gptoss.engine.settings import Settings
from gptoss.engine.state import State


class ChatModel:
    """Loaded when it is needed, and again when the settings name another one.

    What it has computed for a session waits on the `shelf`. `state` is asked what the session has come to whenever
    something is to be computed for it, and may raise a GptossError.
    """

    def __init__(self, adapters: Adapters, shelf: Shelf, state: Callable[[], State]) -> None:
        self._adapters = adapters
        self._shelf = shelf
        self._state = state
        self._generator: TokenGenerator | None = None
        self._loaded: tuple[str | None, str] = None, ""
        self._recalled: str | None = None

    @property
    def name(self) -> str | None:
        """What is loaded, None before anything is."""
        return None if self._generator is None else self._generator.name

    @cached_property
    def harmony(self) -> Harmony:
        """How it reads and writes."""
        return self._adapters.harmony()

    def load(self, settings: Settings) -> TokenGenerator:
        """The model that the settings name: it takes seconds the first time, nothing after that."""
        named = settings.checkpoint, settings.backend
        if self._generator is not None and named != self._loaded:
            self.close()
        if self._generator is None:
            self._generator = self._adapters.generator(*named)
            self._loaded, self._recalled = named, None
        return self._generator

    def close(self) -> None:
        """Give back what the model takes."""
        if self._generator is not None:
            self._generator.close()
            self._generator = None

    def recall(self, session: str) -> None:
        """Go on with what was computed for the session with that id when it was left, unless that was done already."""
        if self._generator is not None and self._recalled != session:
            self._recalled = session
            self._shelf.recall(self._generator, session, self._known(lasting_prefix, self._generator, self._state))

    def store(self, session: str) -> None:
        """Have what was computed for the session wait for whoever comes back to it, if it is the one recalled last."""
        if self._generator is not None and self._recalled == session:
            self._shelf.store(self._generator, session, self._known(lasting_prefix, self._generator, self._state))

    def head_start(self, settings: Settings) -> AbstractContextManager[None]:
        """For while the user types: the model computes what the next prompt begins with, under these settings."""
        if self._generator is None or (settings.checkpoint, settings.backend) != self._loaded:
            return nullcontext()  # it is about to be another one
        # They are recorded with the turn, so the state does not have them yet.
        ids = self._known(next_prompt, self._generator, lambda: replace(self._state(), settings=settings))
        return head_start(self._generator, ids) if ids else nullcontext()

    def _known(
        self,
        part: Callable[[State, Harmony, int], tuple[int, ...]],
        generator: TokenGenerator,
        state: Callable[[], State],
    ) -> tuple[int, ...]:
        """What is known of the prompt after a state; nothing without a log to read it from."""
        try:
            return part(state(), self.harmony, generator.max_context)
        except GptossError:
            return ()  # the turn itself will meet it again, and say so
