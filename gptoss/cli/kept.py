"""What tools kept beside a conversation, for those who watch it: pages that an answer cites, and pictures."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gptoss.engine.errors import StorageError
from gptoss.engine.events import StoredEvent, ToolReturned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gptoss.engine.events import Artefact
    from gptoss.engine.updates import Update
    from gptoss.tools.browser.citations import Citations

PICTURES = "pictures"


class Picture(NamedTuple):
    """`file` is where it is, or why it is nowhere."""

    name: str
    file: str
    data: bytes


class Kept:
    """The artefacts of a branch, call by call. `cache` is where pictures go: they can be made again from the log."""

    def __init__(self, get_blob: Callable[[str], bytes], cache: Path) -> None:
        self._get_blob = get_blob
        self._cache = cache
        self._by_call: dict[int, Sequence[Artefact]] = {}

    def begin(self, artefacts: Sequence[Artefact]) -> None:
        """Forget all but these, which came before whatever is shown next."""
        self._by_call = {0: artefacts}

    def add(self, call: int, artefacts: Sequence[Artefact]) -> None:
        """What the call with that seq kept. What a later one kept belongs to another branch, or will be told again."""
        self._by_call = {seq: kept for seq, kept in self._by_call.items() if seq < call} | {call: artefacts}

    def observe(self, update: Update) -> None:
        """The same, from an update that is not shown."""
        if isinstance(update, StoredEvent) and isinstance(update.event, ToolReturned):
            self.add(update.event.call, update.event.artefacts)

    def citations(self) -> Citations | None:
        """For an answer that begins now; None where there is nothing to cite."""
        artefacts = [artefact for kept in self._by_call.values() for artefact in kept]
        if not artefacts:
            return None
        from gptoss.tools.browser.citations import Citations
        from gptoss.tools.browser.page import OpenedPages

        pages = OpenedPages(artefacts, self._get_blob)
        return Citations(pages.get) if len(pages) else None

    def pictures(self, artefacts: Sequence[Artefact]) -> list[Picture]:
        """The pictures among them."""
        return [self._picture(artefact) for artefact in artefacts if artefact.media_type.startswith("image/")]

    def _picture(self, artefact: Artefact) -> Picture:
        # The name comes from the log, and a log may come from anybody.
        name = re.sub(r"[^\w.-]", "_", artefact.name)[-80:]
        path = self._cache / PICTURES / f"{artefact.digest[:12]}-{name}"
        try:
            data = self._get_blob(artefact.digest)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                beside = path.with_name(f"{path.name}.{os.getpid()}")
                beside.write_bytes(data)
                beside.replace(path)
        except (OSError, StorageError) as error:
            return Picture(artefact.name, f"cannot be shown ({error})", b"")
        return Picture(artefact.name, str(path), data)
