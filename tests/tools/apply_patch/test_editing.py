import pytest

from gptoss.tools.apply_patch import editing
from gptoss.tools.apply_patch.errors import PatchError
from gptoss.tools.apply_patch.patch import UpdateFile, parse_patch
from tests.tools.apply_patch.workspaces import patch


def edit(text: str, *hunk_lines: str) -> str:
    (section,) = parse_patch(patch("*** Update File: f", *hunk_lines))
    assert isinstance(section, UpdateFile)
    return editing.edit("f", text, section.hunks)


def problem(text: str, *hunk_lines: str) -> PatchError:
    with pytest.raises(PatchError) as raised:
        edit(text, *hunk_lines)
    return raised.value


@pytest.mark.parametrize(
    ("text", "hunks", "expected"),
    [
        # Where a hunk stands.
        ("a\nb\nc\n", ["@@", " a", "-b", "+B", " c"], "a\nB\nc\n"),
        ("a\nb\nc\n", ["-b", "+B"], "a\nB\nc\n"),
        ("a\nx\nb\nx\n", ["@@ b", "-x", "+y"], "a\nx\nb\ny\n"),
        (
            "class A:\n def f():\n  x\nclass B:\n def f():\n  x\n",
            ["@@ class B:", "@@  def f():", "-  x"],
            "class A:\n def f():\n  x\nclass B:\n def f():\n",
        ),
        ("a\nx\nb\nx\n", ["@@ b", " b", "-x", "+y"], "a\nx\nb\ny\n"),
        ("def f():\n 1\n 2\n", ["@@ def f():", "- 1", "@@ def f():", "- 2"], "def f():\n"),
        ("x\nx\nx\n", ["@@", "-x", "+1", "@@", "-x", "+2"], "1\n2\nx\n"),
        ("x\ny\nx\n", ["@@", "-x", "+z", "*** End of File"], "x\ny\nz\n"),
        ("a\nb\n", ["@@", " b", "+c", "", "*** End of File"], "a\nb\nc\n"),
        # Only new lines.
        ("a\nb\n", ["@@", "+c"], "a\nb\nc\n"),
        ("a\nb\n", ["@@ a", "+c"], "a\nc\nb\n"),
        ("", ["@@", "+c"], "c\n"),
        # Only old lines.
        ("a\n", ["@@", "-a"], ""),
        ("a\nb\n", ["@@", "-a"], "b\n"),
        # The four levels.
        ("a \nb\n", ["@@", "-a", "+A"], "A\nb\n"),
        ("b\n\ta\n", ["@@", "-  a", "+  A"], "b\n\tA\n"),
        ("it’s “so” – he said…\n", ["@@", '-it\'s "so" - he said...', "+no"], "no\n"),
        ("a \na\n", ["@@", "-a", "+A"], "a \nA\n"),
        ("“a”  \nb\n", ["@@", ' "a"', "-b", "+c"], "“a”  \nc\n"),
        # Line ends.
        ("a\r\nb\r\nc\r\n", ["@@", " a", "-b", "+B", "+BB"], "a\r\nB\r\nBB\r\nc\r\n"),
        ("a\nb\r\nc\n", ["@@", "-b", "+B"], "a\nB\r\nc\n"),
        ("a\r\nb\nc", ["@@", "-b", "+B"], "a\r\nB\nc"),
        ("a\nb", ["@@", "-a", "+A"], "A\nb"),
        ("a\nb", ["@@", " b", "+c"], "a\nb\nc\n"),
        ("a\r\nb", ["@@", " b", "+c"], "a\r\nb\r\nc\r\n"),
        ("a\nb", ["@@", "-b", "+c"], "a\nc\n"),
        ("a\nb", ["@@", "-b"], "a\n"),
        ("a\rb\nc\x0cd\u2028e\n", ["@@", "-c\x0cd\u2028e", "+f"], "a\rb\nf\n"),
        # The byte order mark.
        ("\ufeffa\nb\n", ["@@", "-a", "+A"], "\ufeffA\nb\n"),
    ],
)
def test_edits(text: str, hunks: list[str], expected: str) -> None:
    assert edit(text, *hunks) == expected


def test_new_lines_move_with_the_old_ones() -> None:
    text = "class A:\n    def f(self):\n        if x:\n            return 1\n"
    hunk = ["@@", " if x:", "-    return 1", "+    y = 2", "+", "+    return y"]
    assert edit(text, *hunk) == "class A:\n    def f(self):\n        if x:\n            y = 2\n\n            return y\n"


def test_new_lines_stay_where_no_one_shift_explains_the_old_ones() -> None:
    assert edit("  a\n    b\n", "@@", "-a", "-b", "+c") == "c\n"
    assert edit("\ta\n", "@@", "-  a", "+b") == "b\n"


def test_bytes_that_are_no_utf8_survive() -> None:
    data = b"caf\xe9\r\nnext\r\n\xff\xfe"
    assert editing.encode(edit(editing.decode(data), "@@", "-next", "+new")) == b"caf\xe9\r\nnew\r\n\xff\xfe"


def test_lines_that_are_not_there_are_shown_beside_the_file() -> None:
    error = problem("a\nb\n", "@@", " a", "-x", "+y")
    assert error.problem == "f has no such lines:\n a\n-x\n"
    assert error.hint == "The file now reads:\na\nb"


def test_an_anchor_that_is_not_there_is_an_error() -> None:
    error = problem("a\nb\n", "@@ nowhere", "-a")
    assert error.problem == 'f has no line "nowhere".'


def test_hunks_follow_each_other() -> None:
    assert problem("a\nb\n", "@@", "-b", "@@", "-a").problem.startswith("f has no such lines")


def test_the_end_is_the_end() -> None:
    assert problem("x\ny\n", "@@", "-x", "*** End of File").problem.startswith("f has no such lines")


def test_of_a_long_file_the_likely_part_is_shown() -> None:
    lines = [f"line {number}" for number in range(1, 501)]
    error = problem("\n".join(lines), "@@", " line 299", "-line 3OO", " line 301")
    assert error.hint.startswith("Lines 280 to 319 of 500 read:\nline 280\n")
    assert problem("\n".join(lines), "@@ line 200", "-nothing like it").hint.startswith("Lines 191 to 230 of 500 read:")
    assert problem("\n".join(lines), "@@", "-nothing like it").hint.startswith("Lines 1 to 40 of 500 read:")


def test_long_lines_are_cut_and_empty_files_named() -> None:
    assert len(problem("x" * 10_000, "@@", "-y").hint) < 300
    assert problem("", "@@", "-y").hint == "The file is empty."
