"""The cases that the patch format's own project ships, read where the checkout has them beside it."""

from pathlib import Path

import pytest

from tests.tools.apply_patch.workspaces import apply, contents, write

CASES = Path(__file__).parents[4] / "shared" / "conformance" / "apply_patch"
NAMES = sorted(path.name for path in CASES.iterdir()) if CASES.is_dir() else []
REJECTED = {
    "005_rejects_empty_patch",
    "007_rejects_missing_file_delete",
    "009_requires_existing_file_for_update",
    "012_delete_directory_fails",
}


@pytest.mark.skipif(not NAMES, reason="the conformance cases are not beside this checkout")
@pytest.mark.parametrize("name", NAMES)
def test_leaves_what_the_case_expects(name: str, tmp_path: Path) -> None:
    case = CASES / name
    before = contents(case / "input") if (case / "input").is_dir() else {}
    write(tmp_path, before)
    result = apply(tmp_path, (case / "patch.txt").read_text())
    assert contents(tmp_path) == contents(case / "expected")
    assert result.outcome == ("error" if name in REJECTED else "ok")
