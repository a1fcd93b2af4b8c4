"""Killed in the middle of a patch, at every step of it: the next start finds all files as before, or as after."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gptoss.tools.apply_patch.journal import Journal
from gptoss.tools.apply_patch.record import take_back
from gptoss.tools.apply_patch.recovering import recover
from tests.contracts.tool import Blobs
from tests.tools.apply_patch.test_committing import DONE, EVERYTHING, FILES
from tests.tools.apply_patch.workspaces import apply, contents, record_of, tree, write

STEPS = ("open", "link", "rename", "replace", "unlink", "rmdir", "mkdir", "fsync", "fchmod")
"""What changes anything on disk, or makes it last."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    write(root, FILES)
    (root / "a.txt").chmod(0o640)
    return root


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def killed(action: Callable[[], object], nth: int, *, hard_links: bool = True) -> bool:
    """Do it in another process that is killed before its nth step; whether it came so far."""
    child = os.fork()
    if child == 0:
        left = nth

        def dying(step: Callable[..., object]) -> Callable[..., object]:
            def act(*arguments: object, **options: object) -> object:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return step(*arguments, **options)

            return act

        def refuse(*arguments: object, **options: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        try:
            if not hard_links:
                os.link = refuse
            for name in STEPS:
                setattr(os, name, dying(getattr(os, name)))
            action()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def reset(root: Path) -> None:
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    write(root, FILES)
    (root / "a.txt").chmod(0o640)


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_kill_at_any_step_leaves_all_or_nothing(
    root: Path, journal: Journal, tmp_path: Path, hard_links: bool
) -> None:
    before = tree(root)
    seen = {"before": 0, "after": 0, "told": 0}
    nth = 0
    while killed(lambda: apply(root, EVERYTHING, journal=journal), nth, hard_links=hard_links):
        told = recover(journal)
        assert all(recovered.kept is None for recovered in told)
        seen["told"] += len(told)
        if tree(root) == before:
            seen["before"] += 1
        else:
            assert contents(root) == DONE, nth
            assert not told
            seen["after"] += 1
        assert not list((tmp_path / "journal").glob("*")), "what is over leaves no trace"
        assert recover(journal) == []
        reset(root)
        nth += 1
    assert contents(root) == DONE
    assert seen["before"] > 20
    assert seen["after"] > 3
    assert seen["told"] > 5


def test_putting_back_may_be_killed_too(root: Path, journal: Journal) -> None:
    before = tree(root)
    half = next(nth for nth in range(1000) if _half_done(root, journal, nth, before))
    nth = 0
    while True:
        assert killed(lambda: apply(root, EVERYTHING, journal=journal), half)
        if not killed(lambda: recover(journal), nth):
            break
        recover(journal)
        assert tree(root) == before, nth
        reset(root)
        nth += 1
    assert nth > 10
    assert tree(root) == before


def _half_done(root: Path, journal: Journal, nth: int, before: object) -> bool:
    """Whether a kill at that step leaves several files changed but not all; the folder is as before afterwards."""
    assert killed(lambda: apply(root, EVERYTHING, journal=journal), nth)
    (recovered,) = recover(journal) or [None]
    reset(root)
    return recovered is not None and len(recovered.changed) >= 3


def test_files_that_were_changed_since_are_left_alone(root: Path, journal: Journal) -> None:
    before = tree(root)
    half = next(nth for nth in range(1000) if _half_done(root, journal, nth, before))
    assert killed(lambda: apply(root, EVERYTHING, journal=journal), half)
    (root / "a.txt").write_text("mine\n")
    found = contents(root)
    (recovered,) = recover(journal)
    assert recovered.kept is not None
    assert b'"a.txt"' in recovered.kept.read_bytes()
    assert "are left as they are" in str(recovered)
    assert {path: data for path, data in found.items() if ".gptoss-" not in path} == contents(root)
    assert recover(journal) == [], "it is told once"


def test_a_patch_under_way_is_not_put_back(root: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    real = os.replace

    def look(*arguments: str, **options: int) -> None:
        real(*arguments, **options)
        # Another descriptor is as good as another process: locks belong to descriptors.
        looked.extend(recover(journal))
        looked.append(None)

    monkeypatch.setattr(os, "replace", look)
    assert apply(root, EVERYTHING, journal=journal).outcome == "ok"
    assert set(looked) == {None}
    assert contents(root) == DONE


def test_an_entry_that_was_cut_off_itself_means_nothing(root: Path, journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    for number, data in enumerate((b"", b"{", b'{"workspace": 3}')):
        (tmp_path / "journal" / f"{number}.json").write_bytes(data)
    before = tree(root)
    assert recover(journal) == []
    assert tree(root) == before
    assert not list((tmp_path / "journal").iterdir())


def test_a_workspace_that_is_not_there_is_left_for_another_time(root: Path, journal: Journal) -> None:
    before = tree(root)
    half = next(nth for nth in range(1000) if _half_done(root, journal, nth, before))
    assert killed(lambda: apply(root, EVERYTHING, journal=journal), half)
    away = root.rename(root.with_name("away"))
    assert recover(journal) == []
    away.rename(root)
    assert len(recover(journal)) == 1
    assert tree(root) == before


def test_without_a_place_for_the_record_nothing_is_patched(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    before = tree(root)
    result = apply(root, EVERYTHING, journal=Journal(tmp_path / "file"))
    assert result.outcome == "error"
    assert "cannot be recorded before it is applied" in result.messages[0].content
    assert tree(root) == before


def test_taking_back_leaves_all_or_nothing_too(root: Path, journal: Journal) -> None:
    before, blobs = tree(root), Blobs()
    record = record_of(apply(root, EVERYTHING, blobs), blobs)
    after = contents(root)
    nth = 0
    while killed(lambda: take_back(record, root, journal), nth):
        recover(journal)
        if contents(root) != after:
            assert {path: entry[2] for path, entry in tree(root).items() if entry[0] == "file"} == {
                path: entry[2] for path, entry in before.items()
            }
            reset(root)
            apply(root, EVERYTHING)
        nth += 1
    assert nth > 20
