"""Folders for tests: written from and read back to plain data."""

import asyncio
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from gptoss.engine.ports import ToolResult
from gptoss.tools.apply_patch.journal import Journal
from gptoss.tools.apply_patch.record import MEDIA_TYPE, Record
from gptoss.tools.apply_patch.tool import ApplyPatchTool
from tests.contracts.tool import Blobs, call_of, text_of

Tree = dict[str, tuple[str, int, bytes]]


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def tree(root: Path) -> Tree:
    """All below a folder: path to kind, permissions and content."""
    found: Tree = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name, mode = str(path.relative_to(root)), stat.S_IMODE(status.st_mode)
        if path.is_symlink():
            found[name] = ("link", 0, os.fsencode(path.readlink()))
        elif path.is_dir():
            found[name] = ("folder", mode, b"")
        else:
            found[name] = ("file", mode, path.read_bytes() if stat.S_ISREG(status.st_mode) else b"")
    return found


def contents(root: Path) -> dict[str, bytes]:
    return {path: data for path, (kind, _, data) in tree(root).items() if kind == "file"}


def apply(root: Path, argument: str, blobs: Blobs | None = None, journal: Journal | None = None) -> ToolResult:
    tool = ApplyPatchTool(root, put_blob=(blobs or Blobs()).put, journal=journal)
    return asyncio.run(tool.run(call_of("functions.apply_patch", argument)))


def said(root: Path, argument: str) -> str:
    return text_of(apply(root, argument))


def record_of(result: ToolResult, blobs: Blobs) -> Record:
    (artefact,) = (each for each in result.artefacts if each.media_type == MEDIA_TYPE)
    return Record.decode(blobs.get(artefact.digest))


def patch(*lines: str) -> str:
    return "\n".join(("*** Begin Patch", *lines, "*** End Patch"))
