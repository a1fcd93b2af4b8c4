"""The tools that there are: what a model is told of them, how they are made, and what they leave in files.

Each is imported when it is first made, so that a chat pays only for those that it has.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from gptoss.cli.patches import Patches
from gptoss.cli.tooling import EXA_KEY, EXA_URL, ToolOptions
from gptoss.engine.errors import GptossError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import ExitStack

    from gptoss.engine.ports import Tool
    from gptoss.engine.settings import ToolSpec


class Toolbox:
    """`data` is the folder below which tools keep files; `patches` is what they have changed in workspaces."""

    def __init__(self, data: Path) -> None:
        self.patches = Patches(data / "patches")
        self._files = data / "files"

    def specs(self) -> Mapping[str, ToolSpec]:
        """How each tool that there is is announced to a model, by name, in the order in which a session lists them."""
        from gptoss.tools.catalogue import SPECS

        return SPECS

    def recipients(self) -> tuple[str, ...]:
        """What a model can call."""
        from gptoss.tools.catalogue import RECIPIENTS

        return RECIPIENTS

    def make(
        self,
        names: Iterable[str],
        options: ToolOptions,
        opened: ExitStack,
        *,
        encode: Callable[[str], tuple[int, ...]],
        put_blob: Callable[[bytes], str],
        get_blob: Callable[[str], bytes],
        confirm: Callable[[str], bool] | None = None,
        files: Path | None = None,
    ) -> dict[str, Tool]:
        """The tools of these names, made but not yet started; what they start ends with `opened`.

        `encode` counts tokens; artefacts are kept with `put_blob`; `confirm` is asked before each patch; `files` is
        where Python's folders are, those of the sessions by default. A name that nobody knows has no tool, which the
        model is told when it calls it. Raises UsageError for a browser whose source cannot be had.
        """
        made: dict[str, Tool] = {}
        wanted = set(names)
        if "browser" in wanted:
            from gptoss.tools.browser.sources import provider_for
            from gptoss.tools.browser.tool import BrowserTool

            provider = provider_for(
                options.source, exa_key=os.environ.get(EXA_KEY), exa_url=os.environ.get(EXA_URL) or None
            )
            made["browser"] = BrowserTool(provider, encode=encode, put_blob=put_blob, get_blob=get_blob)
        if "python" in wanted:
            from gptoss.tools.python.tool import PythonTool

            python = PythonTool(
                files or self._files,
                put_blob=put_blob,
                get_blob=get_blob,
                backend=options.python_backend or "bubblewrap",
                restore=options.python_restore,
            )
            opened.callback(python.close)
            made["python"] = python
        if "apply_patch" in wanted:
            from gptoss.tools.apply_patch.tool import ApplyPatchTool

            made["apply_patch"] = ApplyPatchTool(
                options.workspace or Path(), put_blob=put_blob, confirm=confirm, journal=self.patches.journal
            )
        return made

    def sandbox(self) -> str:
        """What Python runs in. A GptossError says why nothing does."""
        from gptoss.tools.python.bubblewrap import find_program
        from gptoss.tools.python.limits import Limits
        from gptoss.tools.python.sandbox import Unavailable

        try:
            return f"bubblewrap ({find_program(Limits())})"
        except Unavailable as error:
            raise GptossError(str(error)) from error

    def forget(self, session: str) -> None:
        """Remove the files that Python has left for the session with that id."""
        from shutil import rmtree

        from gptoss.tools.python.files import folder_of

        rmtree(folder_of(self._files, session), ignore_errors=True)
