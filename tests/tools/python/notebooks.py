"""A session's python calls, one after the other, as the engine would make them."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gptoss.engine.events import Artefact
from gptoss.engine.ports import ToolResult
from gptoss.tools.python.bubblewrap import find_program
from gptoss.tools.python.limits import Limits
from gptoss.tools.python.sandbox import Unavailable
from gptoss.tools.python.tool import PythonTool
from tests.contracts.tool import Blobs, call_of, text_of


def why_no_sandbox() -> str:
    """Why no sandbox works on this machine, empty if one does."""
    try:
        import ipykernel  # noqa: F401 - what is asked is whether it is there
        import jupyter_client  # noqa: F401

        find_program(Limits())
    except (ImportError, Unavailable) as reason:
        return f"NOT TESTED, no sandbox works here: {reason}"
    return ""


REASON = why_no_sandbox()
needs_sandbox = pytest.mark.skipif(bool(REASON), reason=REASON)

QUICK = Limits(memory=500_000_000, processes=64, file_size=10_000_000, folder_size=50_000_000, scratch_size=20_000_000)
"""Limits that a test reaches soon."""


class Notebook:
    """`run` gives what the model reads; the results pile up as on a branch."""

    def __init__(self, tool: PythonTool, blobs: Blobs, session: str = "s") -> None:
        self.tool = tool
        self.blobs = blobs
        self.session = session
        self.artefacts: tuple[Artefact, ...] = ()
        self.last: ToolResult

    def run(self, code: str) -> str:
        call = call_of("python", code, "analysis", artefacts=self.artefacts)
        self.last = asyncio.run(self.tool.run(msgspec.structs.replace(call, session=self.session)))
        self.artefacts += self.last.artefacts
        return text_of(self.last)


class Notebooks:
    """Opens notebooks, and closes their tools in the end."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="notebooks-"))
        self._tools: list[PythonTool] = []

    def open(
        self,
        *,
        blobs: Blobs | None = None,
        timeout: float = 60.0,
        limits: Limits | None = None,
        restore: bool = False,
        backend: str = "bubblewrap",
        session: str = "s",
    ) -> Notebook:
        blobs = blobs or Blobs()
        tool = PythonTool(
            self.folder,
            put_blob=blobs.put,
            get_blob=blobs.get,
            backend=backend,
            restore=restore,
            timeout=timeout,
            limits=limits,
        )
        self._tools.append(tool)
        return Notebook(tool, blobs, session)

    def close(self) -> None:
        for tool in self._tools:
            tool.close()
        shutil.rmtree(self.folder)


def processes_with(text: str) -> list[int]:
    """The processes of this machine whose command line holds a text, this one left out."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if text.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for what comes soon after its cause, such as the end of a process that was killed."""
    from time import monotonic, sleep

    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        sleep(0.05)
    return True
