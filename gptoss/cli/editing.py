"""The user's own editor."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from gptoss.cli.terminal import asking
from gptoss.engine.errors import GptossError


class EditorFailed(GptossError):
    pass


def edit(text: str) -> str:
    """The text as the user leaves it in $VISUAL or $EDITOR (vi without either). EditorFailed if that does not work."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="gptoss-") as folder:
        file = Path(folder) / "message.md"
        file.write_text(text, encoding="utf-8")
        try:
            with asking():
                subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603  what the user chose
            return file.read_text(encoding="utf-8")
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise EditorFailed(f"the editor {editor!r} failed ({error}): set EDITOR to one that works") from error
