"""The python tool."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

from gptoss.engine.events import Artefact, ToolOutcome
from gptoss.engine.ports import ToolCall, ToolResult
from gptoss.engine.recovery import tool_message
from gptoss.engine.settings import ToolSpec
from gptoss.tools.python import texts
from gptoss.tools.python.cells import Cell, cells_of, keep_cell
from gptoss.tools.python.code import code_of
from gptoss.tools.python.files import folder_of
from gptoss.tools.python.kernel import Ending, leave_thread
from gptoss.tools.python.limits import MB, Limits
from gptoss.tools.python.notebook import Notebook
from gptoss.tools.python.output import MOST, Output, shorten
from gptoss.tools.python.sandbox import Sandbox, Unavailable, open_sandbox

AUTHOR = "python"


class PythonTool:
    """Code of the model, run in a kernel for each session that lives as long as the tool.

    `folder` will hold a folder for each session, which the code sees as /mnt/data. `backend` is a name of
    `gptoss.tools.python.sandbox.NAMES`. After a restart, a fork or an undo a kernel does not have the variables that
    the model believes in: with `restore` the successful cells of the branch are run again, else the model is told.
    """

    def __init__(
        self,
        folder: Path,
        *,
        put_blob: Callable[[bytes], str],
        get_blob: Callable[[str], bytes],
        backend: str = "bubblewrap",
        restore: bool = False,
        timeout: float = texts.TIMEOUT,
        limits: Limits | None = None,
    ) -> None:
        self._folder = folder
        self._put_blob = put_blob
        self._get_blob = get_blob
        self._backend = backend
        self._restore = restore
        self._timeout = timeout
        self._limits = limits or Limits()
        self._sandbox: Sandbox | None = None
        self._notebooks: dict[str, Notebook] = {}
        # All that has to do with kernels happens in one thread that lives as long as they do: their sockets belong to a
        # thread, and a sandbox dies with the thread that started it.
        self._thread = ThreadPoolExecutor(1, "python-tool")

    @property
    def spec(self) -> ToolSpec:
        return texts.SPEC

    async def run(self, call: ToolCall) -> ToolResult:
        stop = Event()
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._run, call, stop)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait({work})
            raise

    def close(self) -> None:
        """End all kernels. The folders stay."""
        for notebook in self._notebooks.values():
            self._thread.submit(notebook.close)
        self._thread.submit(leave_thread)
        self._thread.shutdown()

    def _run(self, call: ToolCall, stop: Event) -> ToolResult:
        code = code_of(call.message.content)
        if not code.strip():
            return _result(call, texts.EMPTY_CALL, "error")
        try:
            notebook = self._notebook(call.session)
            note = notebook.prepare(cells_of(call.artefacts), stop.is_set)
        except Unavailable as reason:
            return _result(call, texts.unavailable(str(reason)), "unavailable")
        output = Output(sum(artefact.media_type.startswith("image/") for artefact in call.artefacts))
        ending, left = notebook.run(code, output, stop.is_set)
        if stop.is_set():
            return _result(call, texts.NO_OUTPUT, "interrupted")
        succeeded = ending == "done" and not output.failed
        cell = keep_cell(code, succeeded, self._put_blob)
        notebook.record(Cell(cell.digest, succeeded))
        text, artefacts = self._keep(output)
        problem = self._problem(ending)
        lines = (note, text or ("" if problem else texts.NO_OUTPUT), texts.left_running(left) if left else "", problem)
        shown = "\n".join(line for line in lines if line)
        return _result(call, shown, "ok" if succeeded else "error", (cell, *artefacts))

    def _notebook(self, session: str) -> Notebook:
        """The session's notebook. Raises Unavailable."""
        if self._sandbox is None:
            self._sandbox = open_sandbox(self._backend, self._limits)
        if session not in self._notebooks:
            data = folder_of(self._folder.absolute(), session)
            try:
                data.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise Unavailable(f"The folder {data} for its files cannot be made ({error.strerror}).") from error
            self._notebooks[session] = Notebook(
                self._sandbox,
                data,
                self._limits,
                timeout=self._timeout,
                restore=self._restore,
                get_code=lambda cell: self._get_blob(cell.digest).decode(),
            )
        return self._notebooks[session]

    def _keep(self, output: Output) -> tuple[str, list[Artefact]]:
        """What the model reads of the output, and what is kept of it."""
        kept = [(image.name, image.media_type, image.data) for image in output.images]
        text = output.text()
        short = shorten(text)
        if short != text:
            kept.append(("output.txt", "text/plain", text.encode()))
        return short, [
            Artefact(digest=self._put_blob(data), name=name, media_type=media_type, size=len(data))
            for name, media_type, data in kept
        ]

    def _problem(self, ending: Ending) -> str:
        return {
            "done": "",
            "interrupted": "",
            "timeout": texts.timed_out(self._timeout),
            "killed": texts.killed(self._timeout),
            "too much output": texts.too_much_output(MOST // MB),
            "folder full": texts.folder_full(self._limits.folder_size // MB),
            "memory": texts.OUT_OF_MEMORY,
            "died": texts.DIED,
        }[ending]


def _result(call: ToolCall, text: str, outcome: ToolOutcome, artefacts: tuple[Artefact, ...] = ()) -> ToolResult:
    return ToolResult(
        messages=(tool_message(AUTHOR, text, call.message.channel),), outcome=outcome, artefacts=artefacts
    )
