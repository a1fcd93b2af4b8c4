"""Running the tool that a message calls. asyncio is imported with the first call: most turns have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from gptoss.engine.errors import GptossError
from gptoss.engine.events import Artefact
from gptoss.engine.message import Message
from gptoss.engine.ports import Cancelled, Tool, ToolCall, ToolResult
from gptoss.engine.recovery import tool_message

if TYPE_CHECKING:
    import asyncio


def tool_named(recipient: str) -> str:
    """The name of the tool that a recipient such as "functions.apply_patch" or "browser.open" addresses."""
    return recipient.removeprefix("functions.").partition(".")[0]


class ToolRunner:
    """The tools of a conversation and the event loop that they share.

    One loop for all calls, because a tool may keep connections that belong to it.
    """

    def __init__(self, tools: Mapping[str, Tool], cancelled: Cancelled) -> None:
        self._tools = dict(tools)
        self._cancelled = cancelled
        self._loop: asyncio.Runner | None = None

    def run(self, session: str, message: Message, artefacts: tuple[Artefact, ...] = ()) -> ToolResult:
        """The result of one call; calling a tool that is not there or stopping one that runs gives a result too."""
        recipient = message.recipient or ""
        tool = self._tools.get(tool_named(recipient))
        if tool is None:
            names = ", ".join(sorted(self._tools)) or "none"
            text = f'Error: the tool "{recipient}" is not enabled in this session. Enabled tools: {names}.'
            return ToolResult(messages=(tool_message(recipient, text, message.channel),), outcome="unavailable")
        if self._loop is None:
            from asyncio import Runner

            self._loop = Runner()
        call = ToolCall(session=session, message=message, artefacts=artefacts)
        try:
            result = self._loop.run(self._watch(tool, call))
        except GptossError:
            raise
        except Exception as error:  # noqa: BLE001  a fault in a tool must not end the conversation
            text = f"Error: the tool failed unexpectedly ({type(error).__name__}: {error})."
            return ToolResult(messages=(tool_message(recipient, text, message.channel),), outcome="error")
        if result is None:
            text = "Error: the user interrupted this tool."
            return ToolResult(messages=(tool_message(recipient, text, message.channel),), outcome="interrupted")
        return result

    def close(self) -> None:
        """Close the event loop; the tools belong to whoever made them."""
        if self._loop is not None:
            self._loop.close()

    async def _watch(self, tool: Tool, call: ToolCall) -> ToolResult | None:
        """Run a tool until it is done, or None when the user cancelled it."""
        from asyncio import ensure_future, wait

        task = ensure_future(tool.run(call))
        while not task.done():
            await wait({task}, timeout=0.05)
            if self._cancelled() and not task.done():
                task.cancel()
                await wait({task})
        return None if task.cancelled() else task.result()
