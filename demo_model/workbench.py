"""The tools that conversations are written with: the real ones, over files that exist only while one is written.

Only Python runs in this process instead of a sandbox, because its code is ours and a kernel for each conversation would
take days; its output is put together by the tool's own code.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from demo_model.conversation import Call
from gptoss.engine.events import Artefact
from gptoss.engine.message import Message
from gptoss.engine.ports import Tool, ToolCall
from gptoss.engine.recovery import tool_message
from gptoss.tools.apply_patch.tool import ApplyPatchTool
from gptoss.tools.browser.local import LocalProvider
from gptoss.tools.browser.tool import BrowserTool
from gptoss.tools.python import texts
from gptoss.tools.python.output import Output

PYTHON = "analysis to=python code"
"""How gpt-oss calls its built-in python tool: the recipient behind the channel, then the kind of content."""
APPLY_PATCH = "commentary to=functions.apply_patch code"
BROWSER = "analysis to=browser.{} code"

Encode = Callable[[str], tuple[int, ...]]

_runner = asyncio.Runner()


class _Bare(DisplayHook):
    """Results without a prompt, as a notebook shows them."""

    def write_output_prompt(self) -> None:
        pass


class _Shell(InteractiveShell):
    displayhook_class = _Bare
    failed: Callable[[dict[str, Any]], None]

    def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
        self.failed({"ename": etype.__name__, "evalue": str(evalue), "traceback": stb})


@cache
def _shell() -> _Shell:
    return _Shell.instance(config=Config({"HistoryManager": {"enabled": False}}))


class Workbench:
    """The tools of one conversation. `workspace` and `pages` are folders for its files and its web."""

    def __init__(self, encode: Encode, site: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="demo-model-", dir=_fast_folder()))
        self._blobs: dict[str, bytes] = {}
        self._artefacts: tuple[Artefact, ...] = ()
        self._encode = encode
        self._python_is_new = True
        self._browser: BrowserTool | None = None
        self.workspace = self._root / "workspace"
        self.pages = self._root / site
        self.workspace.mkdir()
        self.pages.mkdir()
        self._patcher = ApplyPatchTool(self.workspace, put_blob=self._put)

    def close(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    @property
    def site(self) -> str:
        """The URL that pages are below."""
        return f"local://{self.pages.name}/"

    def patch(self, marked: str) -> Call:
        return self._call(self._patcher, APPLY_PATCH, "functions.apply_patch", marked)

    def browse(self, function: str, marked: str) -> Call:
        if self._browser is None:
            provider = LocalProvider(self.pages)
            self._browser = BrowserTool(
                provider, encode=self._encode, put_blob=self._put, get_blob=self._blobs.__getitem__
            )
        return self._call(self._browser, BROWSER.format(function), f"browser.{function}", marked)

    def python(self, marked: str, note: str = "") -> Call:
        """`note` stands above the output, as after a restart, which `restart_python` brings about."""
        call = Call(PYTHON, marked, tool_message("python", "", "analysis"))
        text = self._run(call.arguments)
        return Call(PYTHON, marked, tool_message("python", "\n".join(filter(None, (note, text))), "analysis"))

    def restart_python(self) -> None:
        self._python_is_new = True

    def _run(self, code: str) -> str:
        shell, printed, errors = _shell(), StringIO(), []
        if self._python_is_new:
            # What `shell.reset` does takes twenty times as long.
            for name in set(shell.user_ns) - set(shell.user_ns_hidden):
                del shell.user_ns[name]
            shell.execution_count = 1
            self._python_is_new = False
        shell.failed = errors.append
        with redirect_stdout(printed):
            shell.run_cell(code, store_history=True)
        output = Output()
        if printed.getvalue():
            output.add("stream", {"text": printed.getvalue()})
        for error in errors:
            output.add("error", error)
        return output.text() or texts.NO_OUTPUT

    def _call(self, tool: Tool, header: str, recipient: str, marked: str) -> Call:
        written = Call(header, marked, tool_message(recipient, "", None))
        channel = header.split()[0]
        message = Message(role="assistant", channel=channel, recipient=recipient, content=written.arguments)
        result = _runner.run(tool.run(ToolCall(session="", message=message, artefacts=self._artefacts)))
        self._artefacts += result.artefacts
        return Call(header, marked, result.messages[0])

    def _put(self, data: bytes) -> str:
        digest = str(len(self._blobs))
        self._blobs[digest] = data
        return digest


def _fast_folder() -> str | None:
    """A folder in memory, where there is one: many small files are written."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
