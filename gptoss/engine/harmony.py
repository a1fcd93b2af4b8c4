"""The Harmony encoding: single messages to tokens, tokens to bytes.

What openai-harmony does (`gptoss.engine.encoding`), loaded late and in the engine's own messages. It renders one
message at a time; how messages become a prompt is `gptoss.engine.rendering`. oss-harmony, a fork under the same import
name that vLLM depends on, gives the same tokens here, so it does not matter which of the two was installed last.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from gptoss.engine.encoding import Encoding
from gptoss.engine.message import Message
from gptoss.engine.settings import Settings, ToolSpec
from gptoss.engine.tokens import CALL, CHANNEL, CONSTRAIN, END, MESSAGE, START


class Harmony:
    """The encoding of gpt-oss. Make one per process with `Harmony.load`."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        # Messages are frozen and come back in every prompt of a session: remember what they render to.
        self._render = lru_cache(maxsize=65536)(self._render_message)
        self._frame = lru_cache(maxsize=1024)(self._render_frame)
        self._bytes = lru_cache(maxsize=65536)(lambda token: encoding.decode((token,)))
        self._system = lru_cache(maxsize=64)(self._render_system)
        self._developer = lru_cache(maxsize=64)(self._render_developer)

    @classmethod
    def load(cls, cache: Path) -> Harmony:
        """Load the vocabulary, unpacking it below `cache` the first time. Raises VocabularyError."""
        return cls(Encoding.load(cache))

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
        content: dict[str, Any] = {
            "type": "system_content",
            "model_identity": "You are ChatGPT, a large language model trained by OpenAI.",
            "reasoning_effort": settings.reasoning_effort.capitalize(),
            "conversation_start_date": settings.start_date,
            "knowledge_cutoff": "2024-06",
            "channel_config": {"valid_channels": ["analysis", "commentary", "final"], "channel_required": True},
        }
        names = {tool.name for tool in settings.tools}
        if tools := {name: self._encoding.tool(name) for name in ("browser", "python") if name in names}:
            content["tools"] = tools
        functions = any(not tool.is_builtin for tool in settings.tools)
        return tuple(self._encoding.render("system", content, functions=functions))

    def _render_developer(self, settings: Settings) -> tuple[int, ...]:
        functions = [tool for tool in settings.tools if not tool.is_builtin]
        texts = [settings.developer_message or "", *(tool.instructions for tool in functions)]
        instructions = "\n\n".join(text for text in texts if text)
        if not instructions and not functions:
            return ()
        content: dict[str, Any] = {"type": "developer_content"}
        if instructions:
            content["instructions"] = instructions
        if functions:
            content["tools"] = {"functions": {"name": "functions", "tools": list(map(_description, functions))}}
        return tuple(self._encoding.render("developer", content))

    def encode(self, text: str) -> tuple[int, ...]:
        """Text to tokens, special tokens' names being text like any other."""
        return tuple(self._encoding.encode(text))

    def decode(self, ids: tuple[int, ...]) -> str:
        """Tokens to text, special tokens by name; bytes that are no UTF-8 become U+FFFD."""
        return self._encoding.decode(ids).decode("utf-8", "replace")

    def token_bytes(self, token: int) -> bytes:
        """The bytes of one token, which may be a part of a character."""
        return self._bytes(token)

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


def _description(tool: ToolSpec) -> dict[str, Any]:
    described = {"name": tool.name, "description": tool.description}
    return described | ({"parameters": msgspec.json.decode(tool.parameters)} if tool.parameters else {})
