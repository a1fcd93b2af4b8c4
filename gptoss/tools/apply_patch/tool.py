"""The apply_patch tool."""

from collections.abc import Callable
from pathlib import Path

from gptoss.engine.events import Artefact, ToolOutcome
from gptoss.engine.ports import ToolCall, ToolResult
from gptoss.engine.recovery import tool_message
from gptoss.engine.settings import ToolSpec
from gptoss.tools.apply_patch import record as records
from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.argument import patch_text
from gptoss.tools.apply_patch.committing import commit
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.journal import Journal
from gptoss.tools.apply_patch.patch import parse_patch
from gptoss.tools.apply_patch.planning import make_plan
from gptoss.tools.apply_patch.record import Record
from gptoss.tools.apply_patch.workspace import Workspace

AUTHOR = "functions.apply_patch"
DIFF = "text/x-diff"
"""The media type of the artefact that shows what a call changed."""


class ApplyPatchTool:
    """Patches of the model, applied to the files below `workspace`.

    `confirm` is shown the changes as a unified diff and asked whether to make them; it is called within `run`, which
    waits, and raises asyncio.CancelledError if the user would rather stop the turn. Otherwise a call takes milliseconds
    and has no step that a cancellation could fall into: it is done or it is not. `journal` lets the next start put back
    what a kill leaves half-done.
    """

    def __init__(
        self,
        workspace: Path,
        *,
        put_blob: Callable[[bytes], str],
        confirm: Callable[[str], bool] | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._workspace = workspace
        self._journal = journal
        self._put_blob = put_blob
        self._confirm = confirm

    @property
    def spec(self) -> ToolSpec:
        return texts.SPEC

    async def run(self, call: ToolCall) -> ToolResult:
        try:
            text, artefacts = self._apply(call.message.content)
        except PatchError as error:
            return self._result(call, texts.failure(error.problem, error.hint, error.damaged), "error")
        return self._result(call, text, "ok", artefacts)

    def _apply(self, argument: str) -> tuple[str, tuple[Artefact, ...]]:
        workspace = Workspace(self._workspace)
        plan = make_plan(parse_patch(patch_text(argument)), workspace)
        record = Record(plan.edits)
        if self._confirm is not None and not self._confirm(records.diff(record)):
            raise PatchError(texts.DECLINED)
        # The way back is durable before anything happens.
        artefacts = self._keep(record)
        commit(plan.edits, workspace, journal=self._journal)
        return texts.success(plan.summary), artefacts

    def _keep(self, record: Record) -> tuple[Artefact, ...]:
        if not record.edits:
            return ()
        kept = (
            ("changes.diff", DIFF, records.diff(record).encode()),
            (records.NAME, records.MEDIA_TYPE, record.encode()),
        )
        return tuple(
            Artefact(digest=self._put_blob(data), name=name, media_type=media_type, size=len(data))
            for name, media_type, data in kept
        )

    def _result(
        self, call: ToolCall, text: str, outcome: ToolOutcome, artefacts: tuple[Artefact, ...] = ()
    ) -> ToolResult:
        message = tool_message(AUTHOR, text.rstrip("\n"), call.message.channel)
        return ToolResult(messages=(message,), outcome=outcome, artefacts=artefacts)
