"""What the patch format's own program does with patches that have nothing special, in cases of our own."""

from pathlib import Path

import pytest

from tests.tools.apply_patch.workspaces import apply, contents, patch, write

ACCEPTED: dict[str, tuple[dict[str, str], str, dict[str, str]]] = {
    "a file that is added ends with a newline": (
        {},
        patch("*** Add File: poem.txt", "+roses", "+violets"),
        {"poem.txt": "roses\nviolets\n"},
    ),
    "several changes of one file": (
        {"list.txt": "a\nb\nc\nd\ne\n"},
        patch("*** Update File: list.txt", "@@", "-a", "+A", "@@", "-e", "+E"),
        {"list.txt": "A\nb\nc\nd\nE\n"},
    ),
    "a last line without an end that is replaced gets one": (
        {"end.txt": "alpha"},
        patch("*** Update File: end.txt", "@@", "-alpha", "+beta", "+gamma"),
        {"end.txt": "beta\ngamma\n"},
    ),
    "lines alone go to the end": (
        {"log.txt": "one\n"},
        patch("*** Update File: log.txt", "@@", "+two", "+three"),
        {"log.txt": "one\ntwo\nthree\n"},
    ),
    "space around the markers": (
        {"x.txt": "old\n"},
        "  *** Begin Patch\n*** Update File: x.txt\n@@\n-old\n+new\n*** End Patch  ",
        {"x.txt": "new\n"},
    ),
    "a file is deleted and others stay": (
        {"gone.txt": "x\n", "stays.txt": "y\n"},
        patch("*** Delete File: gone.txt"),
        {"stays.txt": "y\n"},
    ),
    "a change tied to the end of the file": (
        {"tail.txt": "same\nother\nsame\n"},
        patch("*** Update File: tail.txt", "@@", "-same", "+last", "*** End of File"),
        {"tail.txt": "same\nother\nlast\n"},
    ),
}

REJECTED: dict[str, str] = {
    "nothing to do": patch(),
    "deleting what is not there": patch("*** Delete File: none.txt"),
    "changing what is not there": patch("*** Update File: none.txt", "@@", "-a", "+b"),
    "deleting a folder": patch("*** Delete File: folder"),
}


@pytest.mark.parametrize("name", list(ACCEPTED))
def test_accepted(name: str, tmp_path: Path) -> None:
    before, argument, after = ACCEPTED[name]
    write(tmp_path, before)
    result = apply(tmp_path, argument)
    assert result.outcome == "ok", result.messages[0].content
    assert contents(tmp_path) == {path: text.encode() for path, text in after.items()}


@pytest.mark.parametrize("name", list(REJECTED))
def test_rejected(name: str, tmp_path: Path) -> None:
    files = {"folder/a.txt": "a\n", "b.txt": "b\n"}
    write(tmp_path, files)
    result = apply(tmp_path, REJECTED[name])
    assert result.outcome == "error"
    assert contents(tmp_path) == {path: text.encode() for path, text in files.items()}
