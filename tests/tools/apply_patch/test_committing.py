"""All files or none, and what a file keeps."""

import os
import pwd
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.apply_patch.workspaces import apply, contents, patch, said, tree, write

FILES = {"a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n", "d.txt": "d\n"}
EVERYTHING = patch(
    "*** Update File: a.txt",
    "@@",
    "-a",
    "+A",
    "*** Add File: deep/er/new.txt",
    "+new",
    "*** Delete File: b.txt",
    "*** Update File: c.txt",
    "*** Move to: deep/moved.txt",
    "@@",
    "-c",
    "+C",
    "*** Update File: d.txt",
    "*** Move to: e.txt",
)
DONE = {"a.txt": b"A\n", "deep/er/new.txt": b"new\n", "deep/moved.txt": b"C\n", "e.txt": b"d\n"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    return tmp_path


def test_a_patch_does_everything(root: Path) -> None:
    result = apply(root, EVERYTHING)
    assert result.messages[0].content == (
        "Done.\nM a.txt\nA deep/er/new.txt\nD b.txt\nR c.txt -> deep/moved.txt\nR d.txt -> e.txt"
    )
    assert contents(root) == DONE


@pytest.mark.parametrize(
    "bad",
    [
        ["*** Update File: a.txt", "@@", "-not there"],
        ["*** Add File: a.txt", "+x"],
        ["*** Delete File: missing.txt"],
        ["*** Add File: ../x", "+x"],
        ["*** Update File: d.txt", "*** Move to: a.txt"],
    ],
)
def test_one_bad_section_and_nothing_happens(root: Path, bad: list[str]) -> None:
    before = tree(root)
    lines = EVERYTHING.split("\n")
    for place in (1, len(lines) - 3, len(lines) - 1):
        result = apply(root, "\n".join([*lines[:place], *bad, *lines[place:]]))
        assert result.outcome == "error"
        assert "Nothing was changed." in result.messages[0].content
        assert not result.artefacts
        assert tree(root) == before


STEPS = ("open", "link", "rename", "replace", "unlink", "mkdir", "fsync", "fchmod", "fstat")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_step_fails_nothing_has_happened(
    root: Path, step: str, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(root)
    real: Callable[..., object] = getattr(os, step)
    for nth in range(100):
        calls = 0

        def fail_once(*arguments: object, nth: int = nth, **options: object) -> object:
            nonlocal calls
            calls += 1
            if calls == nth + 1:
                raise failure
            return real(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(os, step, fail_once)
            try:
                result = apply(root, EVERYTHING)
            except KeyboardInterrupt:
                result = None
        if calls <= nth:
            break
        if contents(root).items() >= DONE.items():
            # It fails after the last word, where only old names go and folders are flushed: the patch is done.
            assert step in ("unlink", "fsync")
            assert result is None or result.outcome == "ok"
            for path in root.rglob("*"):
                if path.is_file():
                    path.unlink()
            for path in sorted(root.rglob("*"), reverse=True):
                path.rmdir()
            write(root, FILES)
            continue
        if result is not None:
            assert "cannot be changed: No space left on device. Nothing was changed." in result.messages[0].content
        assert {path: entry for path, entry in tree(root).items() if not _spare(path)} == before, (step, nth)
        for path in root.rglob(".gptoss-*"):
            assert step == "unlink", f"{path} was left behind"
            path.unlink()
    else:
        pytest.fail("a hundred calls and no end")
    assert nth > 0, f"{step} was never called"


def _spare(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".gptoss-")


def test_without_hard_links_it_works_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert apply(root, EVERYTHING).outcome == "ok"
    assert contents(root) == DONE


def test_what_cannot_be_put_back_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, moved = os.replace, 0

    def fail_for_good(*arguments: str, **options: int) -> None:
        nonlocal moved
        moved += 1
        if moved > 1:
            raise OSError(5, "Input/output error")
        real(*arguments, **options)

    monkeypatch.setattr(os, "replace", fail_for_good)
    text = said(root, patch("*** Update File: a.txt", "@@", "-a", "+A", "*** Update File: b.txt", "@@", "-b", "+B"))
    assert "What was done could not be undone for b.txt, a.txt." in text
    assert "Nothing was changed" not in text


def test_a_file_that_appears_meanwhile_is_not_overwritten(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def intrude(file: int) -> None:
        (root / "new.txt").write_text("mine\n")
        real(file)

    monkeypatch.setattr(os, "fsync", intrude)
    assert said(root, patch("*** Add File: new.txt", "+x")).startswith("Error: new.txt cannot be changed: File exists")
    assert (root / "new.txt").read_text() == "mine\n"


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o444, 0o4755])
def test_the_mode_is_kept(root: Path, mode: int) -> None:
    path = root / "a.txt"
    path.chmod(mode)
    apply(root, patch("*** Update File: a.txt", "@@", "-a", "+A"))
    if os.geteuid() == 0 or mode & 0o200:
        assert path.read_text() == "A\n"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    apply(root, patch("*** Update File: a.txt", "*** Move to: z.txt"))
    assert stat.S_IMODE((root / "z.txt").stat().st_mode) == mode


def test_a_new_file_has_the_mode_of_any_new_file(root: Path) -> None:
    (root / "other").write_text("x")
    apply(root, patch("*** Add File: new.txt", "+x"))
    assert (root / "new.txt").stat().st_mode == (root / "other").stat().st_mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_is_kept(root: Path) -> None:
    os.chown(root / "a.txt", 1234, 1235)
    apply(root, patch("*** Update File: a.txt", "@@", "-a", "+A"))
    status = (root / "a.txt").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)


def test_a_hard_link_out_of_the_workspace_is_cut(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "same.txt"
    other.hardlink_to(root / "a.txt")
    apply(root, patch("*** Update File: a.txt", "@@", "-a", "+A"))
    assert (other.read_text(), (root / "a.txt").read_text()) == ("a\n", "A\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="root tries it as somebody else, who is not stopped otherwise")
def test_as_an_ordinary_user_permissions_hold() -> None:
    """A file or folder that may not be written is refused, though renaming could replace the file."""
    nobody = pwd.getpwnam("nobody").pw_uid
    # Not in pytest's own folder, which every run of pytest closes to others.
    with tempfile.TemporaryDirectory(prefix="ordinary-user-") as folder:
        root = Path(folder)
        root.chmod(0o755)
        write(root, {"locked/a.txt": "a\n", "open/read-only.txt": "r\n", "open/fine.txt": "f\n"})
        for path in root.rglob("*"):
            os.chown(path, nobody, -1)
        (root / "locked").chmod(0o555)
        (root / "open/read-only.txt").chmod(0o444)
        before = tree(root)
        assert _as(nobody, root).count("Permission denied. Nothing was changed.") == 3
        assert tree(root) == before


PATCHES_THAT_MAY_NOT_BE = """
fine = ("*** Update File: open/fine.txt", "@@", "-f", "+F")
for bad in (
    ("*** Add File: locked/b.txt", "+x"),
    ("*** Delete File: locked/a.txt",),
    ("*** Update File: open/read-only.txt", "@@", "-r", "+R"),
):
    print(said(root, patch(*fine, *bad)))
"""


def _as(user: int, root: Path) -> str:
    """What the patches say to a user. All that they need is loaded before: only root may look at where it may lie."""
    program = (
        "import os, sys; from pathlib import Path; from tests.tools.apply_patch.workspaces import patch, said\n"
        "root = Path(sys.argv[1])\n"
        "said(Path('/nowhere'), patch('*** Add File: x'))\n"
        f"os.setgroups([]); os.setgid({user}); os.setuid({user})\n"
    )
    command = [sys.executable, "-c", program + PATCHES_THAT_MAY_NOT_BE, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
    return done.stdout
