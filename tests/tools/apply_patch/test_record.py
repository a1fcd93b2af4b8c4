import subprocess
from pathlib import Path

import pytest

from gptoss.engine.errors import StorageError, UsageError
from gptoss.tools.apply_patch.record import Record, diff, take_back
from tests.contracts.tool import Blobs
from tests.tools.apply_patch.test_committing import EVERYTHING, FILES
from tests.tools.apply_patch.workspaces import apply, patch, record_of, tree, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    (tmp_path / "a.txt").chmod(0o755)
    return tmp_path


def test_a_patch_can_be_taken_back(root: Path) -> None:
    before, blobs = tree(root), Blobs()
    record = record_of(apply(root, EVERYTHING, blobs), blobs)
    assert sorted(take_back(record, root)) == sorted(edit.path for edit in record.edits)
    assert {path: entry for path, entry in tree(root).items() if entry[0] == "file"} == before


def test_what_was_changed_since_is_not_taken_back(root: Path) -> None:
    blobs = Blobs()
    record = record_of(apply(root, EVERYTHING, blobs), blobs)
    (root / "deep/moved.txt").write_text("my own work\n")
    after = tree(root)
    with pytest.raises(UsageError, match=r"deep/moved\.txt in .* was changed since"):
        take_back(record, root)
    assert tree(root) == after


def test_the_diff_is_one_that_patch_programs_understand(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(root, {"ends.txt": "x\r\ny", "bom.txt": "\ufeffa\nb\n"})
    copy = tmp_path_factory.mktemp("copy")
    write(copy, {path: (root / path).read_bytes() for path in (*FILES, "ends.txt", "bom.txt")})
    blobs = Blobs()
    more = ["*** Update File: ends.txt", "@@", "-x", "+X", "*** Update File: bom.txt", "@@", "-b", "*** End Patch"]
    record = record_of(apply(root, "\n".join([*EVERYTHING.split("\n")[:-1], *more]), blobs), blobs)
    subprocess.run(["git", "apply", "--unsafe-paths", "-"], input=diff(record).encode(), cwd=copy, check=True)
    ours, theirs = tree(root), tree(copy)
    assert {path: entry[2] for path, entry in ours.items()} == {path: entry[2] for path, entry in theirs.items()}


def test_an_empty_and_a_binary_file_have_a_diff_too(root: Path) -> None:
    write(root, {"x.bin": b"\0\1", "caf\xe9.txt": b"\xff\n"})
    blobs = Blobs()
    sections = ["*** Delete File: x.bin", "*** Add File: empty.txt", "*** Update File: café.txt", "@@", "+x"]
    text = diff(record_of(apply(root, patch(*sections), blobs), blobs))
    assert "Binary files a/x.bin and /dev/null differ\n" in text
    assert "--- /dev/null\n+++ b/empty.txt\n" in text
    assert "+++ b/café.txt\n" in text


def test_a_record_that_is_none_is_an_error() -> None:
    with pytest.raises(StorageError):
        Record.decode(b"{}")
