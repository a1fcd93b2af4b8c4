"""`gptoss tool`: one call by hand, run exactly as a model's call would be."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.output import INTERRUPTED, Output
from gptoss.cli.tooling import ToolOptions
from gptoss.engine.errors import StorageError, UsageError
from gptoss.engine.events import Artefact
from gptoss.engine.message import Message
from gptoss.engine.ports import EventReader
from gptoss.engine.reducer import fold
from gptoss.engine.tool_calls import ToolRunner, tool_named


def call_tool(
    adapters: Adapters,
    recipient: str,
    options: ToolOptions,
    out: Output,
    err: Output,
    *,
    session: str | None = None,
    database: str | None = None,
) -> int:
    """Run the call whose arguments come from standard input and print what the model would read. The exit code.

    With `session` the tool remembers what that session's calls have kept; nothing is written to it.
    """
    options.check()
    name = tool_named(recipient)
    if name not in adapters.toolbox.specs():
        raise UsageError(f"there is no tool {recipient!r}: a model can call {', '.join(adapters.toolbox.recipients())}")
    for sentence in adapters.toolbox.patches.recover():
        err.line(f"gptoss: {sentence}", "notice")
    with ExitStack() as opened:
        blobs = _Blobs()
        artefacts: Sequence[Artefact] = ()
        if session is not None:
            blobs.reader = reader = adapters.open_reader(database)
            opened.callback(reader.close)
            artefacts = fold(reader.read(reader.session(session).branch)).artefacts[:]
        tools = adapters.toolbox.make(
            [name],
            options,
            opened,
            encode=_late(lambda: adapters.harmony().encode),
            put_blob=blobs.put,
            get_blob=blobs.get,
            files=Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="gptoss-tool-"))),
        )
        interrupts = opened.enter_context(Interrupts())
        runner = ToolRunner(tools, interrupts)
        opened.callback(runner.close)
        channel = "commentary" if recipient.startswith("functions.") else "analysis"
        message = Message(role="assistant", recipient=recipient, channel=channel, content=_arguments(err))
        with interrupts.answering():
            result = runner.run("tool", message, tuple(artefacts))
        for answer in result.messages:
            out.line(answer.content)
        for picture in adapters.kept(blobs.get).pictures(result.artefacts):
            err.line(f"{picture.name}: {picture.file}", "tool")
    if result.outcome == "interrupted":
        return INTERRUPTED
    return 0 if result.outcome == "ok" else 1


class _Blobs:
    """What the call keeps, in memory; what earlier calls kept is in the log, if there is one."""

    def __init__(self) -> None:
        self.reader: EventReader | None = None
        self._blobs: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        digest = blake2b(data, digest_size=32).hexdigest()
        self._blobs[digest] = data
        return digest

    def get(self, digest: str) -> bytes:
        if digest in self._blobs:
            return self._blobs[digest]
        if self.reader is None:
            raise StorageError(f"nothing is stored under {digest}")
        return self.reader.get_blob(digest)


def _late(load: Callable[[], Callable[[str], tuple[int, ...]]]) -> Callable[[str], tuple[int, ...]]:
    """A function that is loaded when it is first called."""
    found: list[Callable[[str], tuple[int, ...]]] = []

    def call(text: str) -> tuple[int, ...]:
        if not found:
            found.append(load())
        return found[0](text)

    return call


def _arguments(err: Output) -> str:
    """What stands on standard input. One newline at its end is the shell's, not the model's."""
    if sys.stdin is None or sys.stdin.closed:
        return ""
    if sys.stdin.isatty():
        err.line("The call's arguments, then Ctrl-D:", "dim")
    return sys.stdin.buffer.read().decode("utf-8", "replace").removesuffix("\n")
