"""How tools run in this process, as the command line says it.

Which tools a session has is in its settings. How they run is not: it is a matter of this machine and of whoever sits at
it, and nobody should find his files patched or his sandbox open because of what was typed last week.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from gptoss.engine.errors import UsageError

SOURCE = "GPTOSS_BROWSER_SOURCE"
EXA_KEY = "EXA_API_KEY"
EXA_URL = "EXA_BASE_URL"


class ToolOptions(Struct, frozen=True, kw_only=True):
    """`workspace` is the folder that patches are confined to, None the current one; `confirm` asks before each patch.

    `python_backend` is a name of `gptoss.tools.python.sandbox.NAMES`; `python_restore` runs a resumed session's cells
    again. `browser_source` is "exa", "web" or a folder; None leaves it to the environment.
    """

    workspace: Path | None = None
    confirm: bool = False
    python_backend: str | None = None
    python_restore: bool = False
    browser_source: str | None = None

    def check(self) -> None:
        """Raise UsageError for a value that cannot be."""
        if self.workspace is not None and not self.workspace.is_dir():
            raise UsageError(f"--workspace needs a folder, and {self.workspace} is none: name one that exists")
        if self.python_backend is not None:
            from gptoss.tools.python.sandbox import NAMES

            if self.python_backend not in NAMES:
                raise UsageError(f"--python-backend is one of {', '.join(NAMES)}, not {self.python_backend!r}")

    def facts(self, names: Sequence[str]) -> list[str]:
        """What whoever begins a chat with these tools should see of them."""
        facts = [f"tools {', '.join(names)}"] if names else []
        if "apply_patch" in names:
            facts.append(f"workspace {self.workspace or Path.cwd()}")
        return facts

    def warnings(self, names: Sequence[str]) -> list[str]:
        """What may harm, as sentences."""
        if "python" in names and self.python_backend == "unsafe-local":
            return ["Python runs without a sandbox: its code may do whatever you may"]
        return []

    @property
    def source(self) -> str | None:
        """Where the browser's pages come from, None where nobody says."""
        return self.browser_source or os.environ.get(SOURCE) or None
