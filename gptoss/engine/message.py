"""One Harmony message, as plain data."""

from typing import Literal

from msgspec import Struct

Role = Literal["system", "developer", "user", "assistant", "tool"]


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A message of the Harmony format (https://github.com/openai/harmony).

    `name` is the author's name when the role is "tool" (such as "browser.search" or "functions.apply_patch");
    `recipient` is whom the message is addressed to, None meaning everyone; `channel` is "analysis", "commentary" or
    "final" for what an assistant writes; `content_type` is the text after `<|constrain|>`, such as "json".
    """

    role: Role
    content: str
    name: str | None = None
    recipient: str | None = None
    channel: str | None = None
    content_type: str | None = None

    @property
    def is_tool_call(self) -> bool:
        """Whether an assistant addresses a tool with it."""
        return self.role == "assistant" and self.recipient is not None and self.recipient not in ("all", "user")

    @property
    def is_final(self) -> bool:
        """Whether it is an answer to the user, which ends a turn."""
        return self.role == "assistant" and self.channel == "final" and not self.is_tool_call
