import asyncio
import json
from pathlib import Path

import pytest

from gptoss.engine.ports import Tool
from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.tool import DIFF, ApplyPatchTool
from tests.contracts.tool import Blobs, ToolContract, call_of, text_of
from tests.tools.apply_patch.workspaces import patch, write

NAME = "functions.apply_patch"
CALL = patch("*** Add File: new.txt", "+hello")
BAD_ARGUMENTS = (
    *("", " ", "\n", "hello", "null", "7", "true", "{}", "[]", '""', "{", '{"patch"', '{"patch": ', "[[[", '"abc'),
    *('{"patch": null}', '{"patch": 7}', '{"patch": ["a"]}', '{"patch": {}}', '{"path": "a", "content": "b"}'),
    *(json.dumps([CALL, CALL]), json.dumps({"patch": ""}), json.dumps({"patch": "hello"}), "\ud800", "*** Begin Patch"),
    *("*** End Patch", "*** Begin Patch *** End Patch", patch(), patch(""), patch("+x"), patch("new.txt", "+x")),
    *(patch("*** Add File: new.txt", "x"), patch("*** Add File: ", "+x"), patch("*** Add File: ../x", "+x")),
    *(patch("*** Add File: /x", "+x"), patch("*** Add File: there.txt", "+x"), patch("*** Delete File: x")),
    *(patch("*** Update File: x", "@@", "-x"), patch("*** Update File: there.txt"), CALL[:-3], CALL + "\nthanks"),
    *(patch("*** Update File: there.txt", "@@", "x"), patch("*** Update File: there.txt", "@@", "-x")),
    *(patch("*** Update File: there.txt", "@@ x", "-there"), patch("*** Move File: x"), patch("*** Move to: x")),
    *("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b", "echo hello > new.txt", "<patch>x</patch>"),
)


class TestApplyPatch(ToolContract):
    good = (NAME, CALL)
    aliases = ("apply_patch", "functions.apply_patch", "apply_patch.apply")
    author = NAME
    malformed = tuple((NAME, argument) for argument in BAD_ARGUMENTS)

    @pytest.fixture(autouse=True)
    def workspaces(self, tmp_path: Path) -> None:
        self._root = tmp_path
        self._opened = 0

    def open(self, blobs: Blobs) -> Tool:
        self._opened += 1
        root = self._root / str(self._opened)
        write(root, {"there.txt": "there\n"})
        return ApplyPatchTool(root, put_blob=blobs.put)

    def test_malformed_calls_change_nothing(self, tool: Tool) -> None:
        for each in self.malformed:
            text = text_of(asyncio.run(tool.run(call_of(*each))))
            assert text.startswith("Error: ")
            assert texts.NOTHING_CHANGED in text
        assert [path.name for path in (self._root / "1").iterdir()] == ["there.txt"]


def test_nothing_happens_without_consent(tmp_path: Path) -> None:
    asked: list[str] = []

    def confirm(diff: str) -> bool:
        asked.append(diff)
        return len(asked) > 1

    blobs = Blobs()
    tool = ApplyPatchTool(tmp_path, put_blob=blobs.put, confirm=confirm)
    declined = asyncio.run(tool.run(call_of(NAME, CALL)))
    assert text_of(declined) == texts.failure(texts.DECLINED)
    assert not list(tmp_path.iterdir())
    assert not blobs.data
    accepted = asyncio.run(tool.run(call_of(NAME, CALL)))
    assert accepted.outcome == "ok"
    assert asked == ["--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+hello\n"] * 2


def test_the_user_is_not_asked_about_what_cannot_be_done(tmp_path: Path) -> None:
    tool = ApplyPatchTool(tmp_path, put_blob=Blobs().put, confirm=lambda diff: pytest.fail("asked"))
    assert asyncio.run(tool.run(call_of(NAME, patch("*** Delete File: x")))).outcome == "error"


def test_a_result_shows_a_diff(tmp_path: Path) -> None:
    blobs = Blobs()
    result = asyncio.run(ApplyPatchTool(tmp_path, put_blob=blobs.put).run(call_of(NAME, CALL)))
    assert result.artefacts[0].media_type == DIFF
    assert blobs.get(result.artefacts[0].digest).endswith(b"+hello\n")


def test_a_record_that_cannot_be_kept_prevents_the_patch(tmp_path: Path) -> None:
    def full(data: bytes) -> str:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        asyncio.run(ApplyPatchTool(tmp_path, put_blob=full).run(call_of(NAME, CALL)))
    assert not list(tmp_path.iterdir())


def test_files_may_be_deleted_and_made_anew_in_one_patch(tmp_path: Path) -> None:
    write(tmp_path, {"a.txt": "old\n"})
    tool = ApplyPatchTool(tmp_path, put_blob=Blobs().put)
    result = asyncio.run(tool.run(call_of(NAME, patch("*** Delete File: a.txt", "*** Add File: a.txt", "+new"))))
    assert text_of(result) == "Done.\nD a.txt\nA a.txt"
    assert (tmp_path / "a.txt").read_text() == "new\n"
