"""A patch reaches nothing outside the workspace, and nothing inside that it should not."""

import os
from pathlib import Path

import pytest

from tests.tools.apply_patch.workspaces import apply, contents, patch, said, tree, write


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a folder beside it, and links of every kind."""
    write(tmp_path, {"outside/secret.txt": "secret\n", "work/a.txt": "a\n", "work/sub/b.txt": "b\n"})
    root = tmp_path / "work"
    for name, target in {
        "out": tmp_path / "outside",
        "out.txt": tmp_path / "outside" / "secret.txt",
        "up": "..",
        "dangling": tmp_path / "outside" / "new.txt",
        "inside": "sub",
        "inside.txt": "a.txt",
        "loop": "loop",
    }.items():
        (root / name).symlink_to(target)
    return root


OUTSIDE = (
    *("../outside/secret.txt", "../new.txt", "sub/../../outside/secret.txt", "/etc/passwd", "//etc/passwd", "..", "/"),
    *("out/secret.txt", "out/new.txt", "up/outside/secret.txt", "up/new.txt", "inside/../../outside/secret.txt"),
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_nothing_outside_is_reached(root: Path, path: str) -> None:
    before = tree(root.parent)
    for section in (
        [f"*** Add File: {path}", "+x"],
        [f"*** Update File: {path}", "@@", "-secret", "+x"],
        [f"*** Delete File: {path}"],
        [f"*** Update File: {path}", "*** Move to: taken.txt"],
        ["*** Update File: a.txt", f"*** Move to: {path}"],
    ):
        text = said(root, patch(*section))
        assert "outside the workspace" in text or "no usable path" in text, (section, text)
        assert "secret\n" not in text
        assert tree(root.parent) == before


@pytest.mark.parametrize("path", ["out.txt", "dangling", "loop"])
def test_a_link_out_is_no_file(root: Path, path: str) -> None:
    before = tree(root.parent)
    for section in (
        [f"*** Add File: {path}", "+x"],
        [f"*** Update File: {path}", "@@", "-secret", "+x"],
        [f"*** Delete File: {path}"],
        [f"*** Update File: {path}", "*** Move to: taken.txt"],
        ["*** Update File: a.txt", f"*** Move to: {path}"],
    ):
        text = said(root, patch(*section))
        assert text.startswith("Error:")
        assert "secret\n" not in text
        assert tree(root.parent) == before


def test_links_that_stay_inside_are_followed(root: Path) -> None:
    assert apply(root, patch("*** Update File: inside/b.txt", "@@", "-b", "+B")).outcome == "ok"
    assert apply(root, patch("*** Update File: inside.txt", "@@", "-a", "+A")).outcome == "ok"
    assert apply(root, patch("*** Add File: inside/c.txt", "+c")).outcome == "ok"
    assert (root / "inside.txt").is_symlink()
    assert contents(root) == {"a.txt": b"A\n", "sub/b.txt": b"B\n", "sub/c.txt": b"c\n"}


def test_a_file_by_two_names_is_one_file(root: Path) -> None:
    sections = ["*** Update File: inside.txt", "@@", "-a", "+b", "*** Update File: a.txt", "@@", "-b", "+c"]
    assert apply(root, patch(*sections)).outcome == "ok"
    assert (root / "a.txt").read_text() == "c\n"


def test_a_link_put_there_in_between_leads_nowhere(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race that a program in the workspace could try: a folder becomes a link after its path was checked."""
    real = os.path.realpath

    def swap(path: str) -> str:
        resolved = real(path)
        if str(path).endswith("/sub"):
            (root / "sub").rename(root / "sub-before")
            (root / "sub").symlink_to(root.parent / "outside")
        return resolved

    monkeypatch.setattr(os.path, "realpath", swap)
    result = apply(root, patch("*** Add File: sub/new.txt", "+x"))
    assert result.outcome == "error"
    assert not (root.parent / "outside" / "new.txt").exists()


@pytest.mark.parametrize("path", [".git/config", ".git/hooks/post-checkout", "sub/.git/config", ".GIT/config"])
def test_git_keeps_its_own_folder(root: Path, path: str) -> None:
    write(root, {".git/config": "[core]\n"})
    assert "belongs to git itself" in said(root, patch(f"*** Add File: {path}", "+x"))


@pytest.mark.parametrize("path", ["", ".", "./", "sub/", "a\0b", "x" * 300, "x/" * 600 + "x"])
def test_odd_paths_get_a_sentence(root: Path, path: str) -> None:
    assert said(root, patch(f"*** Add File: {path}", "+x")).startswith("Error:")


def test_paths_have_one_spelling(root: Path) -> None:
    assert apply(root, patch("*** Update File: ./sub//b.txt", "@@", "-b", "+B")).outcome == "ok"
    assert apply(root, patch("*** Add File: it's a \\ “name”.txt", "+x")).outcome == "ok"
    assert (root / "it's a \\ “name”.txt").read_text() == "x\n"


def test_what_is_no_file_is_left_alone(root: Path) -> None:
    os.mkfifo(root / "pipe")
    for path in ("sub", "pipe"):
        for section in (
            [f"*** Add File: {path}", "+x"],
            [f"*** Update File: {path}", "@@", "-x"],
            [f"*** Delete File: {path}"],
        ):
            assert f"{path} is not a file" in said(root, patch(*section))
    assert said(root, patch("*** Add File: a.txt/b", "+x")).startswith("Error: a.txt/b cannot be changed")


def test_a_binary_file_can_be_moved_and_deleted_but_not_edited(root: Path) -> None:
    data = bytes(range(256))
    write(root, {"x.bin": data})
    assert "not a text file" in said(root, patch("*** Update File: x.bin", "@@", "-x"))
    assert apply(root, patch("*** Update File: x.bin", "*** Move to: y.bin")).outcome == "ok"
    assert (root / "y.bin").read_bytes() == data
    assert apply(root, patch("*** Delete File: y.bin")).outcome == "ok"
    assert not (root / "y.bin").exists()


def test_a_huge_file_is_refused(root: Path) -> None:
    with (root / "huge").open("wb") as stream:
        stream.truncate(5_000_000_000)
    assert "too large" in said(root, patch("*** Update File: huge", "@@", "-x"))


def test_a_name_spelt_alike_is_offered(root: Path) -> None:
    assert said(root, patch("*** Delete File: b.txt")).endswith("Did you mean sub/b.txt or a.txt?")
    assert said(root, patch("*** Delete File: sub/bb.txt")).endswith("Did you mean sub/b.txt?")
    assert said(root, patch("*** Delete File: zzz")).endswith("does not exist. Nothing was changed.")


def test_a_workspace_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    assert said(tmp_path / "nowhere", patch("*** Add File: a", "+x")).startswith("Error:")
