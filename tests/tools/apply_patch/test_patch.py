import pytest

from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.patch import AddFile, DeleteFile, Hunk, UpdateFile, parse_patch
from tests.tools.apply_patch.workspaces import patch


def test_reads_every_kind_of_section() -> None:
    text = patch(
        "*** Add File: notes/a b.txt",
        "+one",
        "+",
        "++two",
        "",
        "*** Delete File: old.txt",
        "*** Update File: app.py",
        "*** Move to: main.py",
        "@@ class A:",
        "@@     def f():",
        " kept",
        "-gone",
        "+come",
        "",
        "+after an empty line",
        "@@",
        "-last",
        "*** End of File",
        "",
        "*** Update File: b.txt",
        "+appended",
        "*** Add File: empty",
    )
    assert parse_patch(text) == [
        AddFile("notes/a b.txt", ("one", "", "+two")),
        DeleteFile("old.txt"),
        UpdateFile(
            "app.py",
            (
                Hunk(
                    ("class A:", "    def f():"),
                    ((" ", "kept"), ("-", "gone"), ("+", "come"), (" ", ""), ("+", "after an empty line")),
                ),
                Hunk((), (("-", "last"),), at_end=True),
            ),
            "main.py",
        ),
        UpdateFile("b.txt", (Hunk((), (("+", "appended"),)),)),
        AddFile("empty", ()),
    ]


@pytest.mark.parametrize(
    ("anchor", "read"),
    [
        ("@@", ()),
        ("@@ ", ()),
        ("@@ def f():", ("def f():",)),
        ("@@def f():", ("def f():",)),
        ("@@ def f(): @@", ("def f():",)),
        ("@@ -1,3 +1,4 @@", ()),
        ("@@ -10 +10,2 @@ def f():", ()),
    ],
)
def test_anchors_are_lines_and_no_line_numbers(anchor: str, read: tuple[str, ...]) -> None:
    (section,) = parse_patch(patch("*** Update File: a", anchor, "-x"))
    assert section == UpdateFile("a", (Hunk(read, (("-", "x"),)),))


def test_a_patch_may_have_windows_line_ends() -> None:
    text = patch("*** Update File: a.txt", "@@", "-x", "+y")
    assert parse_patch(text.replace("\n", "\r\n")) == parse_patch(text)


def test_markers_may_have_space_around_them() -> None:
    assert parse_patch(" *** Begin Patch\n*** Delete File: a.txt  \n *** End Patch \n\n") == [DeleteFile("a.txt")]


def test_context_that_looks_like_a_marker_is_context() -> None:
    (section,) = parse_patch(
        patch("*** Update File: a", "@@", " *** End Patch", "+*** Add File: b", "-*** End of File")
    )
    assert isinstance(section, UpdateFile)
    assert section.hunks[0].lines == ((" ", "*** End Patch"), ("+", "*** Add File: b"), ("-", "*** End of File"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("*** Add File: a\n+x\n*** End Patch", texts.NO_PATCH),
        ("*** Begin Patch", texts.NO_END),
        ("*** Begin Patch\n*** Add File: a\n+x", texts.NO_END),
        ("*** Begin Patch\n*** Add File: a\n+x\n*** End Patch\nand more", texts.NO_END),
        (patch(), texts.EMPTY_PATCH),
        (patch("", "  "), texts.EMPTY_PATCH),
        (patch("+x"), texts.bad_line(2, "+x")),
        (patch("*** Rename File: a"), texts.bad_line(2, "*** Rename File: a")),
        (patch("*** Add File: a", "x"), texts.bad_added_line(3, "x")),
        (patch("*** Add File: a", "+x", "", "y"), texts.bad_added_line(4, "")),
        (patch("*** Add File: a", "*** Move to: b"), texts.bad_added_line(3, "*** Move to: b")),
        (patch("*** Delete File: a", "-x"), texts.bad_line(3, "-x")),
        (patch("*** Update File: a"), texts.no_changes("a")),
        (patch("*** Update File: a", "@@"), texts.no_changes("a")),
        (patch("*** Update File: a", "@@", " x"), texts.no_changes("a")),
        (patch("*** Update File: a", "@@", "x"), texts.bad_line(4, "x")),
        (patch("*** Update File: a", "@@", "-x", "*** Move to: b"), texts.bad_line(5, "*** Move to: b")),
        (patch("*** Update File: a", "*** End of File", "-x"), texts.bad_line(3, "*** End of File")),
        (patch("*** Update File: a", "@@", "-x", "*** Begin Patch"), texts.bad_line(5, "*** Begin Patch")),
    ],
)
def test_says_which_line_is_wrong(text: str, problem: str) -> None:
    with pytest.raises(PatchError) as raised:
        parse_patch(text)
    assert raised.value.problem == problem
