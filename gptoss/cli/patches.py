"""What patches have changed in workspaces, and the way back."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gptoss.engine.ports import EventReader
    from gptoss.tools.apply_patch.journal import Journal
    from gptoss.tools.apply_patch.record import Record


class Patches:
    """`folder` is where patches under way are noted, so that none is left half-done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def journal(self) -> Journal:
        """The journal of patches under way."""
        from gptoss.tools.apply_patch.journal import Journal

        return Journal(self._folder)

    def recover(self) -> list[str]:
        """Put back what patches of processes that were killed have left half-done; a sentence for each."""
        if not any(self._folder.glob("*.json")):
            return []
        from gptoss.tools.apply_patch.recovering import recover

        return [str(recovered) for recovered in recover(self.journal)]

    def since(self, log: EventReader, branch: str, after: int) -> Record | None:
        """What patches have changed on a branch after the event with that seq; None where nothing was."""
        from gptoss.engine.events import ToolReturned

        returned = [stored.event for stored in log.read(branch, after) if isinstance(stored.event, ToolReturned)]
        kept = [artefact for event in returned for artefact in event.artefacts]
        if not kept:
            return None
        from gptoss.tools.apply_patch.record import MEDIA_TYPE, Record, combined

        records = [Record.decode(log.get_blob(each.digest)) for each in kept if each.media_type == MEDIA_TYPE]
        record = combined(records)
        return record if record.edits else None

    def put_back(self, record: Record, workspace: Path) -> None:
        """Make files of a workspace what they were before, all or none. UsageError where one was changed since."""
        from gptoss.tools.apply_patch.record import take_back

        take_back(record, workspace, self.journal)
