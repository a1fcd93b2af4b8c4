"""The Harmony encoding: single messages to tokens, tokens to bytes.

A thin wrapper of openai-harmony that is loaded late (0.4 s) and that speaks the engine's own messages. It renders one
message at a time; how messages become a prompt is `gptoss.engine.rendering`. oss-harmony, a fork under the same import
name that vLLM depends on, gives the same tokens here, so it does not matter which of the two was installed last.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from gptoss.engine.errors import VocabularyError
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings, ToolSpec
from gptoss.engine.tokens import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, START
from gptoss.engine.vocabulary import VARIABLE, unreadable, vocabulary_folder

if TYPE_CHECKING:
    import openai_harmony


class Harmony:
    """The encoding of gpt-oss. Make one per process with `Harmony.load`."""

    def __init__(self, encoding: openai_harmony.HarmonyEncoding) -> None:
        self._encoding = encoding
        # Messages are frozen and come back in every prompt of a session: remember what they render to.
        self._render = lru_cache(maxsize=65536)(self._render_message)
        self._frame = lru_cache(maxsize=1024)(self._render_frame)
        self._bytes = lru_cache(maxsize=65536)(self._token_bytes)
        self._system = lru_cache(maxsize=64)(self._render_system)
        self._developer = lru_cache(maxsize=64)(self._render_developer)

    @classmethod
    def load(cls, cache: Path) -> Harmony:
        """Load the vocabulary, unpacking it below `cache` the first time. Raises VocabularyError."""
        import openai_harmony  # 0.2 s of imports that listing and exporting sessions must not pay

        before = os.environ.get(VARIABLE)
        os.environ[VARIABLE] = str(vocabulary_folder(cache))
        try:
            return cls(openai_harmony.load_harmony_encoding(openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS))
        except openai_harmony.HarmonyError as error:
            raise VocabularyError(unreadable(Path(os.environ[VARIABLE]), str(error))) from error
        finally:
            if before is None:
                del os.environ[VARIABLE]

    def render(self, message: Message) -> tuple[int, ...]:
        """The tokens of one message, from `<|start|>` to its end token. Text never becomes a special token."""
        return self._render(message)

    def render_system(self, settings: Settings) -> tuple[int, ...]:
        """The system message that these settings call for: identity, date, effort, built-in tools, channels."""
        return self._system(settings)

    def render_developer(self, settings: Settings) -> tuple[int, ...]:
        """The developer message: the user's instructions and the function tools; empty when there are none."""
        return self._developer(settings)

    def _render_system(self, settings: Settings) -> tuple[int, ...]:
        import openai_harmony as library

        content = (
            library.SystemContent.new()
            .with_conversation_start_date(settings.start_date)
            .with_reasoning_effort(library.ReasoningEffort(settings.reasoning_effort.capitalize()))
        )
        names = {tool.name for tool in settings.tools}
        if "browser" in names:
            content = content.with_browser_tool()
        if "python" in names:
            content = content.with_python_tool()
        message = library.Message.from_role_and_content(library.Role.SYSTEM, content)
        # With functions in the developer message, this one says which channel they are called on.
        functions = any(not tool.is_builtin for tool in settings.tools)
        options = library.RenderOptions(conversation_has_function_tools=functions)
        return tuple(self._encoding.render(message, options))

    def _render_developer(self, settings: Settings) -> tuple[int, ...]:
        import openai_harmony as library

        functions = [tool for tool in settings.tools if not tool.is_builtin]
        texts = [settings.developer_message or "", *(tool.instructions for tool in functions)]
        instructions = "\n\n".join(text for text in texts if text)
        if not instructions and not functions:
            return ()
        content = library.DeveloperContent.new()
        if instructions:
            content = content.with_instructions(instructions)
        if functions:
            content = content.with_function_tools([_description(tool) for tool in functions])
        return tuple(self._encoding.render(library.Message.from_role_and_content(library.Role.DEVELOPER, content)))

    def encode(self, text: str) -> tuple[int, ...]:
        """Text to tokens, special tokens' names being text like any other."""
        return tuple(self._encoding.encode(text, disallowed_special=()))

    def decode(self, ids: tuple[int, ...]) -> str:
        """Tokens to text, special tokens by name; bytes that are no UTF-8 become U+FFFD."""
        text: str = self._encoding.decode(ids)
        return text

    def token_bytes(self, token: int) -> bytes:
        """The bytes of one token, which may be a part of a character."""
        return self._bytes(token)

    def _token_bytes(self, token: int) -> bytes:
        text: str = self._encoding.decode([token], errors="surrogateescape")
        return text.encode("utf-8", "surrogateescape")

    def _render_message(self, message: Message) -> tuple[int, ...]:
        # Written out here, because the two libraries of this name differ in where they put a recipient and in what they
        # make of a content type. No token spans a special one, so header, text and end are tokenised apart.
        frame = self._frame(replace(message, content=""))
        return (*frame[:-1], *self.encode(message.content), frame[-1])

    def _render_frame(self, message: Message) -> tuple[int, ...]:
        author = message.role if message.name is None else message.name
        if message.name is not None and message.role != "tool":
            author = f"{message.role}:{message.name}"
        addressed = message.recipient not in (None, "all")
        ids = [START, *self.encode(author), *(self.encode(f" to={message.recipient}") if addressed else ())]
        if message.channel is not None:
            ids += [CHANNEL, *self.encode(message.channel)]
        if message.content_type == "json":
            ids += [*self.encode(" "), CONSTRAIN, *self.encode("json")]
        elif message.content_type is not None:
            ids += self.encode(f" {message.content_type}")
        calls = message.role == "assistant" and message.recipient is not None
        return (*ids, MESSAGE, CALL if calls else END)


def _description(tool: ToolSpec) -> openai_harmony.ToolDescription:
    import openai_harmony as library

    parameters = msgspec.json.decode(tool.parameters) if tool.parameters else None
    return library.ToolDescription.new(tool.name, tool.description, parameters=parameters)
