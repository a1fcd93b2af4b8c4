"""What every tool promises, as one suite: `class TestMine(ToolContract)` with `open` and the calls below runs it."""

import asyncio
from collections.abc import Iterator
from hashlib import blake2b

import msgspec
import pytest

from gptoss.engine.events import Artefact
from gptoss.engine.message import Message
from gptoss.engine.ports import Tool, ToolCall, ToolResult
from gptoss.engine.tool_calls import ToolRunner

Arguments = str
Recipient = str


class Blobs:
    """A store of blobs as the event log has one."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        digest = blake2b(data, digest_size=32).hexdigest()
        self.data[digest] = data
        return digest

    def get(self, digest: str) -> bytes:
        return self.data[digest]


def call_of(recipient: str, arguments: str, channel: str | None = "commentary", **fields: object) -> ToolCall:
    message = Message(role="assistant", recipient=recipient, channel=channel, content=arguments)
    return msgspec.structs.replace(ToolCall(session="s", message=message), **fields)


def text_of(result: ToolResult) -> str:
    """All that the model reads of a result."""
    return "\n".join(message.content for message in result.messages)


class ToolContract:
    """`open` gives a fresh tool that keeps artefacts with `blobs`; `close` ends it."""

    good: tuple[Recipient, Arguments]
    """A call that succeeds, each time it is made with a fresh tool."""
    aliases: tuple[Recipient, ...] = ()
    """Other recipients for which the same call succeeds."""
    malformed: tuple[tuple[Recipient, Arguments], ...]
    """At least 40 calls that no tool can carry out."""
    slow: tuple[Recipient, Arguments] | None = None
    """A call that takes at least ten seconds unless it is cancelled; None where a call is over at once."""
    author: str
    """The name under which the result of `good` comes."""

    def open(self, blobs: Blobs) -> Tool:
        raise NotImplementedError

    def close(self, tool: Tool) -> None:
        """End what `open` began."""

    @pytest.fixture
    def blobs(self) -> Blobs:
        return Blobs()

    @pytest.fixture
    def tool(self, blobs: Blobs) -> Iterator[Tool]:
        tool = self.open(blobs)
        yield tool
        self.close(tool)

    def check(self, result: ToolResult, call: ToolCall, blobs: Blobs) -> None:
        """What holds for every result, whatever the call."""
        assert result.messages
        for message in result.messages:
            assert message.role == "tool"
            assert message.name
            assert message.recipient == "assistant"
            assert message.channel == call.message.channel
            assert message.content.strip(), "a model that reads nothing does not know that the tool is done"
            message.content.encode()  # no lone surrogates: the log and the vocabulary take Unicode
        for artefact in result.artefacts:
            assert len(blobs.get(artefact.digest)) == artefact.size
            assert artefact.name
            assert artefact.media_type

    def test_says_what_it_is(self, tool: Tool) -> None:
        spec = tool.spec
        assert spec == tool.spec
        assert msgspec.json.decode(msgspec.json.encode(spec), type=type(spec)) == spec
        assert self.good[0].removeprefix("functions.").partition(".")[0] == spec.name
        if not spec.is_builtin:
            assert spec.description
            assert spec.parameters is None or isinstance(msgspec.json.decode(spec.parameters), dict)

    @pytest.mark.parametrize("channel", ["analysis", "commentary", None])
    def test_a_good_call_succeeds(self, tool: Tool, blobs: Blobs, channel: str | None) -> None:
        call = call_of(*self.good, channel=channel)
        result = asyncio.run(tool.run(call))
        self.check(result, call, blobs)
        assert result.outcome == "ok", text_of(result)
        assert {message.name for message in result.messages} == {self.author}

    def test_recipients_with_other_spellings_reach_it(self, blobs: Blobs) -> None:
        for recipient in self.aliases:
            tool = self.open(blobs)
            runner = ToolRunner({tool.spec.name: tool}, lambda: False)
            try:
                result = runner.run("s", call_of(recipient, self.good[1]).message)
            finally:
                runner.close()
                self.close(tool)
            assert result.outcome == "ok", (recipient, text_of(result))
            assert {message.name for message in result.messages} == {self.author}, recipient

    def test_malformed_calls_get_an_answer_that_helps(self, tool: Tool, blobs: Blobs) -> None:
        assert len(self.malformed) >= 40
        assert len(set(self.malformed)) == len(self.malformed)

        async def run_all() -> None:
            artefacts: tuple[Artefact, ...] = ()
            for each in self.malformed:
                call = call_of(*each, artefacts=artefacts)
                result = await tool.run(call)
                self.check(result, call, blobs)
                assert result.outcome == "error", (each, text_of(result))
                assert len(text_of(result)) > 20, (each, text_of(result))
                artefacts += result.artefacts

        asyncio.run(run_all())

    def test_a_tool_outlives_the_event_loop_of_a_conversation(self, tool: Tool, blobs: Blobs) -> None:
        bad = call_of(*self.malformed[0])
        for _ in range(2):
            self.check(asyncio.run(tool.run(bad)), bad, blobs)

    def test_a_cancelled_call_stops_and_the_next_one_works(self, tool: Tool, blobs: Blobs) -> None:
        if self.slow is None:
            pytest.skip("a call is over at once")
        slow = self.slow

        async def interrupted() -> ToolResult:
            task = asyncio.ensure_future(tool.run(call_of(*slow)))
            await asyncio.wait({task}, timeout=1.5)
            assert not task.done(), "the slow call was not slow"
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, timeout=9)
            return await tool.run(call_of(*self.good))

        result = asyncio.run(interrupted())
        self.check(result, call_of(*self.good), blobs)
        assert result.outcome == "ok", text_of(result)
